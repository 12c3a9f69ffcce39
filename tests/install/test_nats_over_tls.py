"""Connections to NATS over TLS end without a word of the libraries on stderr, where commands print what they did."""

import logging
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from install.tls_nats import TlsNats
from support.waits import eventually

from lgsp_runtime.nats.connection import NatsEndpoint, connect
from lgsp_runtime.tls import TlsFiles


async def test_a_server_that_ends_a_connection_makes_no_noise(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    nats = TlsNats(tmp_path, [x509.IPAddress(ip_address("127.0.0.1"))])
    server = await nats.start()
    try:
        tls = TlsFiles.for_client(nats.authority.path).context
        url = f"tls://127.0.0.1:{nats.port}"
        endpoint = NatsEndpoint.with_password_file(url, "gateway", nats.passwords / "gateway", tls)
        connection = await connect(endpoint, "lgsp nats copy")
        await connection.flush()
    finally:
        await server.stop()
    await eventually(lambda: not connection.is_connected)
    await connection.close()
    assert [
        one.getMessage() for one in caplog.records if one.name == "asyncio" and one.levelno >= logging.WARNING
    ] == []
