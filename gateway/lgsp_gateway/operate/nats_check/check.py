"""The whole check of running NATS servers: what they say of themselves, their streams, and what their users can do."""

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from nats.aio.client import Client
from nats.errors import Error as NatsError

from lgsp_gateway.operate import nats_users
from lgsp_gateway.operate.nats_check import findings, user_rights
from lgsp_gateway.operate.nats_check.server_state import server_states
from lgsp_problems import CannotStart, Refusal, Text
from lgsp_runtime.nats.connection import NatsEndpoint, connect

SECONDS = 10.0


async def check(url: str, passwords: Path, tls: ssl.SSLContext | None = None) -> list[Text]:
    """Return what is wrong, a sentence each in both languages; nothing is changed.

    Args:
        url: addresses of the servers, separated by commas. What the users can do is tried at each of them.
        passwords: the folder of the passwords of the users, a file each.

    Raises:
        Refusal: `cannot-start`, where no server lets the user `system` in, without whom nothing can be said.
    """
    addresses = [address.strip() for address in url.split(",") if address.strip()]
    endpoint = NatsEndpoint.with_password_file(url, nats_users.SYSTEM, passwords / nats_users.SYSTEM, tls)
    system = await connect(endpoint, "lgsp nats check")
    try:
        servers = await server_states(system)
        tried = await asyncio.gather(*(user_rights.of_users(address, passwords, tls) for address in addresses))
    except (NatsError, OSError) as error:
        raise _broken(error) from error
    finally:
        await system.close()
    if not servers:
        raise CannotStart(
            vi=f"Người dùng {nats_users.SYSTEM} không thuộc tài khoản hệ thống nên không máy chủ nào trả lời; hãy viết lại cấu hình bằng lgsp nats config.",
            en=f"The user {nats_users.SYSTEM} is not in the system account, so no server answers; write the configuration anew by lgsp nats config.",
        )
    found = [*findings.of_servers(servers), *(text for texts in tried for text in texts)]
    if any(server.jetstream.get("config") for server in servers):
        found += await _of_streams(url, passwords, tls, len(servers))
    return found


async def _of_streams(url: str, passwords: Path, tls: ssl.SSLContext | None, servers: int) -> list[Text]:
    try:
        endpoint = NatsEndpoint.with_password_file(url, nats_users.GATEWAY, passwords / nats_users.GATEWAY, tls)
        connection = await connect(endpoint, "lgsp nats check")
    except Refusal:  # said already: this user is not let in
        return []
    try:
        return list(findings.of_streams(await _streams(connection), servers))
    except (NatsError, OSError):
        return [
            Text(
                "JetStream không trả lời; hãy khởi động đủ quá nửa số máy chủ của cụm và kiểm tra đĩa của chúng.",
                "JetStream does not answer; start more than half of the servers of the cluster, and check their disks.",
            )
        ]
    finally:
        await connection.close()


async def _streams(connection: Client) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    while True:
        body = orjson.dumps({"offset": len(found)})
        page = orjson.loads((await connection.request("$JS.API.STREAM.LIST", body, timeout=SECONDS)).data)
        found += page.get("streams") or []
        if not page.get("streams") or len(found) >= page["total"]:
            return found


def _broken(error: Exception) -> CannotStart:
    return CannotStart(
        vi=f"Kết nối NATS bị ngắt trong lúc kiểm tra ({type(error).__name__}); hãy chạy lại.",
        en=f"The connection to NATS broke during the check ({type(error).__name__}); run it again.",
    )
