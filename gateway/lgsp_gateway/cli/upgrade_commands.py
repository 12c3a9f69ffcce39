"""`lgsp upgrade check`: what another version would find, before anything is replaced."""

import asyncio
from importlib.metadata import version
from pathlib import Path

from lgsp_contracts.cli.terminal import out
from lgsp_gateway.cli.options import StateFolder
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.evidence.log_key import log_publics
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.local import nats_config
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_gateway.operate import nats_users
from lgsp_gateway.operate.upgrade.store_check import StoreFindings, check_store
from lgsp_problems import CannotStart
from lgsp_runtime.nats.connection import NatsEndpoint, connect
from lgsp_runtime.tls import TlsFiles


def check(
    *,
    state_dir: StateFolder = DEFAULT,
    nats: str = "",
    nats_passwords: Path | None = None,
    nats_ca: Path | None = None,
    keys: Path | None = None,
) -> None:
    """Say what the version of this command would find in a bus that another version runs. Nothing is changed.

    Run it with the new version before an upgrade, and with the old one before a downgrade.

    Parameters
    ----------
    state_dir
        The folder of the local bus, where the next options name nothing else.
    nats
        Where NATS is: one address, or several with commas between them.
    nats_passwords
        A folder with the NATS password of the user `gateway`.
    nats_ca
        The authorities (PEM) that vouch for NATS servers reached by tls://.
    keys
        The folder of keys of the gateways.
    """
    state = StateDir(state_dir)
    passwords = nats_passwords or nats_config.passwords(state)
    context = TlsFiles.for_client(nats_ca).context if nats_ca else None
    endpoint = NatsEndpoint.with_password_file(
        nats or state.running()["nats"], nats_users.GATEWAY, passwords / nats_users.GATEWAY, context
    )
    found = asyncio.run(_check(endpoint, log_publics(KeyStore(keys or state.keys))))
    if found.invalid_contracts:
        named = ", ".join(found.invalid_contracts)
        raise CannotStart(
            vi=f"Phiên bản này không chấp nhận các hợp đồng {named}; hãy xem lỗi bằng `lgsp contract check`, ban hành bản sửa, rồi mới nâng cấp.",
            en=f"This version does not accept the contracts {named}; see what is wrong with `lgsp contract check`, publish a corrected version, and upgrade then.",
        )
    out(_report(found))


async def _check(endpoint: NatsEndpoint, publics: tuple[bytes, ...]) -> StoreFindings:
    connection = await connect(endpoint, "upgrade check")
    try:
        return await check_store(connection, publics)
    finally:
        await connection.close()


def _report(found: StoreFindings) -> str:
    lines = [
        localized(
            f"lgsp {version('lgsp')} đọc được dữ liệu này: {found.contracts} hợp đồng hợp lệ, {found.entries} mục bằng chứng dưới bản chốt đúng khóa",
            f"lgsp {version('lgsp')} reads this store: {found.contracts} contracts are valid, {found.entries} entries of evidence are under checkpoints of the right keys",
        )
    ]
    if found.new_streams:
        named = ", ".join(found.new_streams)
        lines.append(localized(f"gateway sẽ tạo các luồng: {named}", f"gateways will make the streams: {named}"))
    if found.later_streams:
        named = ", ".join(found.later_streams)
        lines.append(
            localized(
                f"phiên bản này không biết các luồng {named} và để nguyên chúng: những gì chờ trong đó sẽ nằm lại đến khi nâng cấp trở lại",
                f"this version does not know the streams {named} and leaves them alone: what waits in them stays until you upgrade again",
            )
        )
    return "\n".join(lines) + "\n"
