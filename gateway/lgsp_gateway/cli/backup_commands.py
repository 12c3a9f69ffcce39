"""What operations does with backups: `lgsp backup create | list | verify | prune | keygen`."""

import asyncio
import secrets
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import orjson
from cyclopts import Parameter

from lgsp_contracts.cli.terminal import err, out
from lgsp_gateway.cli.backup_options import BackupOptions, keys_of_one_bus
from lgsp_gateway.cli.options import StateFolder
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.cli.token_options import TokenOptions
from lgsp_gateway.evidence.log_key import LogKeysAtHand, log_publics
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.local import nats_config
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_gateway.observability.last_backup import STATUS_FILE, record_backup
from lgsp_gateway.operate import nats_users
from lgsp_gateway.operate.backup import catalog
from lgsp_gateway.operate.backup.backup import DIGEST_KEY, BackupSources, MadeBackup, make_backup
from lgsp_gateway.operate.backup.chunks import ChunkReader, identity_file, new_identity, read_identity
from lgsp_gateway.operate.backup.places import Place, open_place
from lgsp_gateway.operate.backup.verification import Verified, verify_backup
from lgsp_problems import CannotStart
from lgsp_runtime import durable_file
from lgsp_runtime.nats.connection import NatsEndpoint, connect
from lgsp_runtime.tls import TlsFiles

Recipients = Annotated[tuple[str, ...], Parameter(name="--recipient")]


def keygen(file: Path, /, *, verifier_key: Path | None = None) -> None:
    """Make the key that opens backups: the secret half into a file, to be kept away from the bus, the public half onto the terminal.

    Parameters
    ----------
    file
        Where the secret half is written, mode 0600; it must not exist.
    verifier_key
        A file with the verifier keys of the logs (`lgsp evidence keys`). They are kept beside the secret half, so that a restore with it refuses what another bus signed.
    """
    trusted = keys_of_one_bus(verifier_key) if verifier_key else []
    recipient, identity = new_identity()
    durable_file.make_folder(file.absolute().parent)
    if not durable_file.create(file.absolute(), identity_file(recipient, identity, map(str, trusted))):
        raise CannotStart(
            vi=f"Tệp {file} đã có; hãy chọn tên khác, vì khóa trong đó có thể đang mở các bản sao lưu.",
            en=f"{file} exists; choose another name, since the key in it may open backups.",
        )
    out(f"{recipient}\n")


def create(
    to: str,
    /,
    *,
    recipient: Recipients,
    state_dir: StateFolder = DEFAULT,
    nats: str = "",
    nats_passwords: Path | None = None,
    nats_ca: Path | None = None,
    keys: Path | None = None,
    token: TokenOptions = TokenOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Back up a running bus: registry, keys, evidence, everything that waits, files. Only what came since the last backup is stored.

    Parameters
    ----------
    to
        Where: a folder, or `s3://BUCKET/PREFIX` with the usual AWS_ variables.
    recipient
        A public key of age (`lgsp backup keygen`), whose owner can restore; several for several owners.
    state_dir
        The folder of the local bus, where the next options name nothing else.
    nats
        Where NATS is: one address, or several with commas between them.
    nats_passwords
        A folder with the NATS password of the user `backup`, who may read everything and change nothing.
    nats_ca
        The authorities (PEM) that vouch for NATS servers reached by tls://.
    keys
        The folder of keys of the gateways. They are part of the backup.
    """
    state = StateDir(state_dir)
    passwords = nats_passwords or nats_config.passwords(state)
    context = TlsFiles.for_client(nats_ca).context if nats_ca else None
    endpoint = NatsEndpoint.with_password_file(
        nats or state.running()["nats"], nats_users.BACKUP, passwords / nats_users.BACKUP, context
    )
    folder = keys or state.keys
    log_keys = LogKeysAtHand.of(KeyStore(folder, token=token.open()))
    began = time.monotonic()
    place, state_folder = open_place(to), None if keys else state.root
    made = asyncio.run(_create(endpoint, folder, state_folder, place, list(recipient), log_keys))
    bytes_in_all = sum(chunk.size for chunk in {chunk.id: chunk for chunk in made.manifest.chunks()}.values())
    seconds = time.monotonic() - began
    out(
        localized(
            f"{made.manifest.made}: {len(made.manifest.streams)} luồng, {len(made.manifest.files)} tệp, {_mib(bytes_in_all)}; ghi thêm {_mib(made.stored_bytes)} trong {seconds:.1f} giây\n",
            f"{made.manifest.made}: {len(made.manifest.streams)} streams, {len(made.manifest.files)} files, {_mib(bytes_in_all)}; stored {_mib(made.stored_bytes)} in {seconds:.1f} s\n",
        )
    )
    _record(folder, made.manifest.time.timestamp())
    if not log_keys.is_in_file:
        _say_what_is_in_a_token()


async def _create(
    endpoint: NatsEndpoint,
    keys: Path,
    state: Path | None,
    place: Place,
    recipients: list[str],
    log_keys: LogKeysAtHand,
) -> MadeBackup:
    digest_key = durable_file.ensure(keys / DIGEST_KEY, partial(secrets.token_bytes, 32))
    connection = await connect(endpoint, "backup")
    try:
        sources = BackupSources(connection, keys, state, log_keys, digest_key)
        return await make_backup(sources, place, recipients, time.time())
    finally:
        await connection.close()


def _record(keys: Path, began: float) -> None:
    """Leave the time to the gateway. The backup is made, whether that succeeds or not."""
    try:
        record_backup(keys, began)
    except OSError as error:
        err(
            localized(
                f"lgsp: không ghi được {STATUS_FILE} trong {keys} ({error.strerror}), nên `lgsp doctor` không biết bản sao lưu này; hãy cho phép ghi vào thư mục đó\n",
                f"lgsp: {STATUS_FILE} cannot be written in {keys} ({error.strerror}), so `lgsp doctor` does not know of this backup; allow writing there\n",
            )
        )


def _say_what_is_in_a_token() -> None:
    out(
        localized(
            "khóa ký nhật ký nằm trong thiết bị PKCS#11, không có trong bản sao lưu; hãy giữ một thiết bị dự phòng có cùng khóa, vì khôi phục cần đến nó\n",
            "the key that signs the logs is in a PKCS#11 token and not in the backup; keep a second token with the same key, since a restore needs it\n",
        )
    )


def list_backups(place: str, /, *, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """List the backups in a place, the newest last.

    Parameters
    ----------
    place
        A folder, or `s3://BUCKET/PREFIX`.
    json
        As JSON, for programs.
    """
    opened = open_place(place)
    backups = [catalog.load(opened, name)[0] for name in catalog.names(opened)]
    if json:
        shown = [{"made": one.made, "version": one.version, "logs": one.logs} for one in backups]
        out(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    for one in backups:
        logs = ", ".join(f"{gateway} {size}" for gateway, size in sorted(one.logs.items()))
        out(
            localized(
                f"{one.made}  lgsp {one.version}  mục: {logs}\n", f"{one.made}  lgsp {one.version}  entries: {logs}\n"
            )
        )
    if not backups:
        out(localized("chưa có bản sao lưu nào\n", "there is no backup\n"))


def verify(place: str, /, *, backup: str = "latest", options: BackupOptions = BackupOptions()) -> None:  # noqa: B008 - cyclopts reads it, nobody changes it
    """Read everything of a backup, and hold every entry of the evidence in it against the signed checkpoints.

    Without --identity what is stored is read and its digests are compared; its content is not looked at.

    Parameters
    ----------
    place
        A folder, or `s3://BUCKET/PREFIX`.
    backup
        When it was made, as `lgsp backup list` shows it.
    """
    opened = open_place(place)
    manifest, public = catalog.find(opened, backup, options.publics())
    reader = ChunkReader(opened, read_identity(options.identity)) if options.identity else None
    found = verify_backup(opened, manifest, public, reader)
    out(_verified(manifest.made, found))


def prune(
    place: str,
    /,
    *,
    days: int = 30,
    months: int = 12,
    state_dir: StateFolder = DEFAULT,
    keys: Path | None = None,
) -> None:
    """Delete old backups: all of the last two days are kept, one a day, one a month, and the newest always.

    Parameters
    ----------
    place
        A folder, or `s3://BUCKET/PREFIX`.
    days
        For how many days one backup each is kept.
    months
        For how many months one backup each is kept.
    state_dir
        The folder of the local bus, whose keys count.
    keys
        The folder of keys of the gateways, where it is another.
    """
    opened = open_place(place)
    publics = log_publics(KeyStore(keys or StateDir(state_dir).keys))
    removed, chunks = catalog.prune(opened, datetime.now(UTC), days, months, publics)
    out(
        localized(
            f"đã xóa {len(removed)} bản sao lưu và {chunks} đối tượng\n",
            f"deleted {len(removed)} backups and {chunks} objects\n",
        )
    )


def _verified(made: str, found: Verified) -> str:
    if found.logs is None:
        return localized(
            f"{made}: {found.objects} đối tượng ({_mib(found.bytes_read)}) đúng như đã lưu; chưa mở nội dung (thiếu --identity)\n",
            f"{made}: {found.objects} objects ({_mib(found.bytes_read)}) are what was stored; their content was not opened (no --identity)\n",
        )
    logs = ", ".join(f"{gateway} {size}" for gateway, size in sorted(found.logs.items()))
    return localized(
        f"{made}: {found.objects} đối tượng ({_mib(found.bytes_read)}) đọc được; bằng chứng khớp: {logs}\n",
        f"{made}: {found.objects} objects ({_mib(found.bytes_read)}) can be read; the evidence is whole: {logs}\n",
    )


def _mib(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB"
