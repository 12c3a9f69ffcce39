"""`lgsp restore`: the same bus again, from a backup, on an empty machine."""

import asyncio
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from cyclopts import Parameter

from lgsp_contracts.cli.terminal import out
from lgsp_gateway.cli.backup_options import BackupOptions
from lgsp_gateway.cli.options import StateFolder
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.cli.token_options import TokenOptions
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.local import nats_config, nats_process
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_gateway.operate import nats_users
from lgsp_gateway.operate.backup import catalog
from lgsp_gateway.operate.backup.chunks import ChunkReader, read_identity
from lgsp_gateway.operate.backup.manifest import Manifest
from lgsp_gateway.operate.backup.places import open_place
from lgsp_gateway.operate.backup.registry_time import PointInTime, reset_registry
from lgsp_gateway.operate.backup.restore import BusKeys, Restore
from lgsp_problems import CannotStart
from lgsp_runtime.nats.connection import NatsEndpoint, connect
from lgsp_runtime.tls import TlsFiles


@Parameter(name="*")
@dataclass(frozen=True)
class RestoreTarget:
    """Where a bus is restored to: the folder of a local bus, or NATS servers and a folder of keys.

    Parameters
    ----------
    state_dir
        The folder of a local bus. It must be empty.
    servers
        How many NATS servers the local bus has from now on.
    nats
        Where the NATS servers of a bus in production are: one address, or several with commas between them.
    nats_passwords
        A folder with the NATS password of the user `gateway`.
    nats_ca
        The authorities (PEM) that vouch for NATS servers reached by tls://.
    keys
        The folder for the keys of a bus in production.
    replicas
        Of each stream, on a cluster of a bus in production.
    """

    state_dir: StateFolder = DEFAULT
    servers: Literal[1, 3] = 1
    nats: str = ""
    nats_passwords: Path | None = None
    nats_ca: Path | None = None
    keys: Path | None = None
    replicas: int = 1


def restore(
    place: str,
    /,
    *,
    backup: str = "latest",
    registry_at: str = "",
    accept_unverified: bool = False,
    opening: BackupOptions = BackupOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
    target: RestoreTarget = RestoreTarget(),
    token: TokenOptions = TokenOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Restore a bus from a backup onto an empty machine: the same keys, registry and evidence, and what waited is delivered.

    Nothing is restored over data that is there. A restore that was interrupted is run again. The logs of the evidence go on under
    new origins, which cite where the old ones ended.

    Parameters
    ----------
    place
        Where the backups are: a folder, or `s3://BUCKET/PREFIX` with the usual AWS_ variables.
    backup
        When it was made, as `lgsp backup list` shows it.
    registry_at
        Take back what was changed in the registry after a time (2026-11-29T08:00:00+07:00) or a revision. The history keeps both.
    accept_unverified
        Restore although no verifier key of the bus is known, by `--verifier-key` or beside the identity: whoever can write to the place of the backups may have put a bus of their own there.
    """
    if opening.identity is None:
        raise CannotStart(
            vi="Bản sao lưu được mã hóa; hãy nêu --identity là tệp khóa bí mật mà `lgsp backup keygen` đã tạo.",
            en="The backup is encrypted; name by --identity the file with the secret key that `lgsp backup keygen` made.",
        )
    trusted = opening.trusted()
    if not trusted and not accept_unverified:
        raise CannotStart(
            vi="Ai ghi được vào nơi lưu cũng có thể đặt vào đó một bản sao lưu khác; hãy nêu --verifier-key là tệp khóa kiểm tra của nhật ký (lấy từ kiểm toán viên), hoặc dùng --accept-unverified nếu chấp nhận khôi phục mà không kiểm tra.",
            en="Whoever can write to the place may have put another backup there; name by --verifier-key the file with the verifier keys of the logs (auditors have them), or give --accept-unverified to restore without this check.",
        )
    point = PointInTime.parse(registry_at) if registry_at else None
    opened = open_place(place)
    manifest, public = catalog.find(opened, backup, opening.publics())
    _say_signer(manifest, public, named=bool(trusted))
    reader = ChunkReader(opened, read_identity(opening.identity))
    state = StateDir(target.state_dir)
    keys = BusKeys(target.keys or state.keys, token.open())
    restoring = Restore(manifest, public, reader, keys, None if target.keys else state.root)
    if target.keys:
        files = restoring.restore_files()
        _say_files(files)
        asyncio.run(_restore_production(restoring, target, point))
    else:
        asyncio.run(_restore_local(restoring, state, target.servers, point))


async def _restore_local(restoring: Restore, state: StateDir, servers: int, point: PointInTime | None) -> None:
    state.make()
    lock = state.lock()
    try:
        _say_files(restoring.restore_files())
        account = KeyStore(state.keys).account_key().public
        async with nats_process.running(state, servers, account) as url:
            passwords = nats_config.passwords(state)
            endpoint = NatsEndpoint.with_password_file(url, nats_users.GATEWAY, passwords / nats_users.GATEWAY)
            await _restore_streams(restoring, endpoint, min(servers, 3), point)
    finally:
        os.close(lock)
    out(localized("đã khôi phục; hãy chạy `lgsp up` với thư mục này\n", "restored; run `lgsp up` on this folder\n"))


async def _restore_production(restoring: Restore, target: RestoreTarget, point: PointInTime | None) -> None:
    if not target.nats or target.nats_passwords is None:
        out(
            localized(
                "khóa đã có; hãy viết cấu hình NATS bằng `lgsp nats config`, khởi động các máy chủ, rồi chạy lại lệnh này với --nats và --nats-passwords\n",
                "the keys are there; write the configuration of NATS with `lgsp nats config`, start the servers, and run this again with --nats and --nats-passwords\n",
            )
        )
        return
    context = TlsFiles.for_client(target.nats_ca).context if target.nats_ca else None
    password = target.nats_passwords / nats_users.GATEWAY
    endpoint = NatsEndpoint.with_password_file(target.nats, nats_users.GATEWAY, password, context)
    await _restore_streams(restoring, endpoint, target.replicas, point)
    out(localized("đã khôi phục; hãy khởi động các gateway\n", "restored; start the gateways\n"))


async def _restore_streams(
    restoring: Restore, endpoint: NatsEndpoint, replicas: int, point: PointInTime | None
) -> None:
    connection = await connect(endpoint, "restore")
    try:
        logs = await restoring.restore_streams(connection, replicas, _say_stream)
        if point:
            count = await reset_registry(connection, point)
            out(
                localized(
                    f"sổ đăng ký như lúc {point.text}: {count} tài liệu\n",
                    f"registry as of {point.text}: {count} documents\n",
                )
            )
    finally:
        await connection.close()
    for log in logs:
        out(
            localized(
                f"nhật ký {log.gateway}: {log.size} mục, từ nay mang tên {log.origin}\n",
                f"log {log.gateway}: {log.size} entries, from now on called {log.origin}\n",
            )
        )


def _say_signer(manifest: Manifest, public: bytes, *, named: bool) -> None:
    """Say when and by whom the backup was made: it may be an old one, whose successors somebody deleted, and it is encrypted to a public key that stands in it, so whoever can write to its place could have made one."""
    key = str(VerifierKey("", public)).lstrip("+")
    warning = localized(
        "; chưa có --verifier-key nên chưa biết có phải trục này ký hay không: ai ghi được vào nơi lưu cũng có thể đặt vào đó một bản khác. Hãy so với khóa của kiểm toán viên trước khi khởi động gateway",
        "; without --verifier-key nobody has checked that this bus signed it: whoever can write to the place may have put another one there. Compare it with the key that auditors have before you start a gateway",
    )
    hours = (datetime.now(UTC) - manifest.time) / timedelta(hours=1)
    out(
        localized(
            f"{manifest.made} ({hours:.1f} giờ trước), do khóa {key} ký",
            f"{manifest.made} ({hours:.1f} hours ago), signed by the key {key}",
        )
        + ("" if named else warning)
        + "\n"
    )


def _say_files(count: int) -> None:
    out(localized(f"{count} tệp\n", f"{count} files\n"))


def _say_stream(name: str, messages: int) -> None:
    out(localized(f"{name}: {messages} thông điệp\n", f"{name}: {messages} messages\n"))
