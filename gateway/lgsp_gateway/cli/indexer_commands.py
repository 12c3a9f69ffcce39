"""What operators do with the search index: `lgsp indexer move`."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lgsp_contracts.cli.terminal import err, out
from lgsp_gateway.cli.options import StateFolder
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.evidence.archive.store import ArchiveStore
from lgsp_gateway.local import nats_config
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_gateway.operate import nats_users
from lgsp_runtime.nats.connection import NatsEndpoint
from lgsp_runtime.tls import TlsFiles

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index


def move_index(
    *,
    to: Annotated[str, Parameter(name="--to")],
    archive: str = "",
    state_dir: StateFolder = DEFAULT,
    nats: str = "",
    nats_passwords: Path | None = None,
    nats_ca: Path | None = None,
) -> None:
    """Fill another search index beside the one that serves, with tables and all. It may be interrupted, and goes on when it is run again.

    Parameters
    ----------
    to
        The index to fill: `postgresql://USER@HOST/DATABASE` (an empty database; password from PGPASSWORD or PGPASSFILE), or a SQLite file.
    archive
        Where archives lie, to index those too: a folder, or `s3://…`.
    state_dir
        The folder of the local bus, where the next options name nothing else.
    nats
        Where NATS is: one address, or several with commas between them.
    nats_passwords
        A folder with the NATS password of the user `gateway`.
    nats_ca
        The authorities (PEM) that vouch for NATS servers reached by tls://.
    """
    from lgsp_gateway.evidence.search.store import Index  # noqa: PLC0415 - a database's library takes 0.2 s to load

    context = TlsFiles.for_client(nats_ca).context if nats_ca else None
    state = StateDir(state_dir)
    passwords = nats_passwords or nats_config.passwords(state)
    address = nats or state.running()["nats"]
    endpoint = NatsEndpoint.with_password_file(address, nats_users.GATEWAY, passwords / nats_users.GATEWAY, context)
    asyncio.run(_move(endpoint, Index(to, writes=True), ArchiveStore(archive) if archive else None))
    out(
        localized(
            f"chỉ mục mới đã đủ; hãy khởi động lại tiến trình lập chỉ mục rồi từng gateway với --index {to}\n",
            f"the new index is complete; restart the indexer, then each gateway, with --index {to}\n",
        )
    )


async def _move(endpoint: NatsEndpoint, index: "Index", archives: ArchiveStore | None) -> None:
    from lgsp_gateway.evidence.search import indexer  # noqa: PLC0415 - as above

    def show(reached: int, goal: int) -> None:
        err(localized(f"nhóm {reached} / {goal}\n", f"batch {reached} of {goal}\n"))

    try:
        await indexer.fill(endpoint, index, archives, show)
    finally:
        await index.close()
