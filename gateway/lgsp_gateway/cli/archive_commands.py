"""What operations does with old evidence: `lgsp evidence archive`."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lgsp_contracts.cli.terminal import out
from lgsp_gateway.cli import times
from lgsp_gateway.cli.options import StateFolder
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.evidence.archive.archiver import ArchivedPart, Archiver
from lgsp_gateway.evidence.archive.store import ArchiveStore
from lgsp_gateway.evidence.log_key import log_publics
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.local import nats_config
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_gateway.operate import nats_users
from lgsp_runtime.nats.connection import NatsEndpoint, connect
from lgsp_runtime.tls import TlsFiles


def archive(
    to: Annotated[str, Parameter(name="--to")],
    *,
    older_than: Annotated[str, Parameter(name="--older-than")] = "90d",
    state_dir: StateFolder = DEFAULT,
    nats: str = "",
    nats_passwords: Path | None = None,
    nats_ca: Path | None = None,
    keys: Path | None = None,
) -> None:
    """Move what is old from the stream into archives that prove themselves. Nothing is deleted before its archive is verified.

    Parameters
    ----------
    to
        Where: a folder, or `s3://BUCKET/PREFIX` with the usual AWS_ variables.
    older_than
        The age from which on, such as 90d, 12h or 30m.
    state_dir
        The folder of the local bus, where the next options name nothing else.
    nats
        Where NATS is: one address, or several with commas between them.
    nats_passwords
        A folder with the NATS password of the user `archiver`, who alone may delete.
    nats_ca
        The authorities (PEM) that vouch for NATS servers reached by tls://.
    keys
        The folder of keys of the gateways.
    """
    before = time.time() - times.seconds_of(older_than)
    context = TlsFiles.for_client(nats_ca).context if nats_ca else None
    state = StateDir(state_dir)
    passwords = nats_passwords or nats_config.passwords(state)
    door = NatsEndpoint.with_password_file(
        nats or state.running()["nats"], nats_users.ARCHIVER, passwords / nats_users.ARCHIVER, context
    )
    moved = asyncio.run(_archive(door, ArchiveStore(to), log_publics(KeyStore(keys or state.keys)), before))
    for one in moved:
        count = one.name.end - one.name.first
        out(
            localized(
                f"{one.name}: {count} mục đã lưu trữ, kiểm tra và xóa khỏi luồng\n",
                f"{one.name}: {count} entries archived, verified and deleted from the stream\n",
            )
        )
    if not moved:
        out(localized("không có mục nào cũ đến mức đó\n", "nothing is that old\n"))


async def _archive(
    door: NatsEndpoint, archives: ArchiveStore, publics: Sequence[bytes], before: float
) -> list[ArchivedPart]:
    connection = await connect(door, "archiver")
    try:
        return [moved async for moved in Archiver(connection, archives, publics).run(before)]
    finally:
        await connection.close()
