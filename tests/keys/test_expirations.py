"""What ends is said in days before it ends: of gateways, of the NATS servers, of adapters and their providers, of the registry."""

import asyncio
import datetime
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.authority import Authority
from support.waits import eventually
from support.workbench import Workbench, grant

from lgsp_adapters import manifest
from lgsp_adapters.host.instance import Instance
from lgsp_adapters.host.upstream_ends import UpstreamEnds
from lgsp_gateway.observability.expirations.expiration import Expiration
from lgsp_runtime.peer_certificates import certificate_end
from lgsp_runtime.tls import TlsFiles

DAY = 86_400


def test_days_and_levels_follow_30_7_and_1() -> None:
    now = 1_800_000_000.0
    levels = {days: Expiration("grant", "a", now + days * DAY).level(now) for days in (31, 29, 7.5, 6, 1.5, 0.5, -3)}
    assert levels == {
        31: None,
        29: "notice",
        7.5: "notice",
        6: "warning",
        1.5: "warning",
        0.5: "critical",
        -3: "critical",
    }
    assert "ends in 29 days" in Expiration("grant", "a", now + 29.5 * DAY).text(now).en
    assert "ended on" in Expiration("grant", "a", now - DAY).text(now).en
    assert "đã hết hạn" in Expiration("grant", "a", now - DAY).text(now).vi


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[int]:
    """A system with TLS whose certificate ended yesterday; its port."""
    authority = Authority(tmp_path)
    authority.issue()
    context = TlsFiles.for_server(tmp_path / "cert.pem", tmp_path / "key.pem").context
    authority.issue(days=-1, starts=-3)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    started = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with started:
        yield started.sockets[0].getsockname()[1]


async def test_a_certificate_that_has_ended_is_read_too(server: int) -> None:
    end = await certificate_end("127.0.0.1", server)
    assert -1.1 * DAY < end - time.time() < -0.9 * DAY


async def test_an_adapter_tells_of_its_provider_and_the_age_of_its_password(tmp_path: Path, server: int) -> None:
    (tmp_path / "password").write_text("x")
    (tmp_path / "adapter.yaml").write_text(
        f"service: land\nmajor: 1\nkind: http\nsystem: land\nconnection:\n  url: https://127.0.0.1:{server}\n"
        "  password: {file: password, change-every-days: 90}\noperations: {}\n"
    )
    instance = Instance()
    examined = manifest.examine(tmp_path / "adapter.yaml", offline=False)
    assert examined.manifest
    await UpstreamEnds(examined.manifest, instance).look()
    found = {one["kind"]: one for one in instance.expirations}
    assert found.keys() == {"provider-certificate", "provider-secret"}
    secret, certificate = (Expiration.parse(found[f"provider-{what}"]) for what in ("secret", "certificate"))
    assert secret.days_left(time.time()) in {89, 90}
    assert certificate.level(time.time()) == "critical"


@pytest.mark.parametrize("days", [20])
async def test_one_gateway_shows_what_ends_of_all(tmp_path: Path, days: int) -> None:
    """Two gateways, one of them with a certificate that ends in five days; a grant that ends in twenty."""
    authority = Authority(tmp_path)
    authority.issue(days=5)
    ends = datetime.date.today() + datetime.timedelta(days=days)
    soon = grant("ends-soon", "alpha", read=["*"])
    soon["spec"]["validUntil"] = ends.isoformat()
    bus = await Workbench(tmp_path, documents=[soon]).start()
    try:
        other = bus.another_gateway("other", 0)
        other.command += ["--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem")]
        await other.start()
        try:
            headers = {"Authorization": f"Bearer {bus.token('operator')}"}

            async def shown() -> bool:
                async with bus.session.get("/ops/expirations", headers=headers) as response:
                    assert response.status == 200, await response.text()
                    items = (await response.json())["items"]
                found = {(one["kind"], one["name"]): one for one in items}
                certificate = found.get(("gateway-certificate", f"other {tmp_path / 'cert.pem'}"))
                return bool(
                    certificate
                    and (certificate["days"], certificate["level"]) == (4, "warning")
                    and found["grant", "ends-soon"]["level"] == "notice"
                    and found["token-key", "bench"]["days"] == 364
                )

            await eventually(shown)
            async with bus.session.get("/metrics") as response:
                assert 'lgsp_expiry_timestamp_seconds{kind="grant",name="ends-soon"}' in await response.text()
            async with bus.session.get("/ops/checks", headers=headers) as response:
                checks = {one["check"]: one for one in (await response.json())["items"]}
            assert "ends in 4 days" in checks["expirations"]["detail"]["en"]
        finally:
            await other.stop()
    finally:
        await bus.stop()
