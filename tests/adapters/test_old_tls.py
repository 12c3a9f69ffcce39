"""Old TLS: spoken with the one host that the manifest names, and said so."""

import ssl
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from cryptography import x509
from structlog.testing import capture_logs
from support.authority import Authority
from support.preloaded import run
from support.upstreams import ask, opened, served
from support.workbench import CONTRACTS

from lgsp_adapters.adapter import UpstreamFailed
from lgsp_problems import Refusal

HTTP = {"operations": {"read": {"path": "/", "answer": {"ketQua": "answer.a"}}}}
OLD = {"ca": "ca.pem", "legacy": "localhost"}


async def answer(request: web.Request) -> web.Response:
    transport = request.transport
    assert transport
    if request.path == "/token":
        return web.json_response({"access_token": transport.get_extra_info("ssl_object").version()})
    return web.json_response({"a": transport.get_extra_info("ssl_object").version()})


@pytest.fixture(params=["TLSv1", "TLSv1.1"])
def old_server(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    pair = Authority(tmp_path).write("so", names=[x509.DNSName("localhost")])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    context.set_ciphers("ALL:@SECLEVEL=0")
    version = {"TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1}[request.param]
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = version
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = version
    return context, request.param


async def test_the_named_host_and_no_other(old_server: tuple[ssl.SSLContext, str], tmp_path: Path) -> None:
    context, version = old_server
    async with served(answer, context, host="localhost") as url:
        with capture_logs() as lines:
            async with opened("http", url, tmp_path, tls=OLD, **HTTP) as adapter:
                for _ in range(2):
                    assert await ask(adapter) == {"ketQua": version}
                assert "allows TLS 1.0, 1.1 and weak ciphers with localhost" in adapter.warnings()[0].en
        assert [line["host"] for line in lines if line["event"] == "old TLS allowed"] == ["localhost"]
        async with opened("http", url, tmp_path, tls={"ca": "ca.pem"}, **HTTP) as adapter:
            assert adapter.warnings() == []
            with pytest.raises(UpstreamFailed, match=r"GET localhost"):
                await ask(adapter)
        async with served(answer, context) as elsewhere:  # the same server by another name
            oauth2 = {"path": "/token", "url": f"'{elsewhere}'", "client": "'a'", "secret": "'b'"}
            told: dict[str, Any] = {**HTTP, "authentication": {"oauth2": oauth2}, "tls": OLD}
            async with opened("http", url, tmp_path, **told) as adapter:
                with pytest.raises(UpstreamFailed, match=f"POST {elsewhere.removeprefix('https://')}/token"):
                    await ask(adapter)


async def test_the_certificate_is_verified_as_ever(old_server: tuple[ssl.SSLContext, str], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    Authority(tmp_path / "other")
    async with served(answer, old_server[0], host="localhost") as url:
        tls = {**OLD, "ca": "other/ca.pem"}
        async with opened("http", url, tmp_path, tls=tls, **HTTP) as adapter:
            with pytest.raises(UpstreamFailed, match="certificate"):
                await ask(adapter)


async def test_a_host_that_the_adapter_does_not_ask_is_refused(tmp_path: Path) -> None:
    Authority(tmp_path)
    with pytest.raises(Refusal, match="not a host that this adapter connects to"):
        async with opened("http", "https://127.0.0.1:1", tmp_path, tls=OLD, **HTTP):
            pass


async def test_the_check_of_a_manifest_warns(tmp_path: Path) -> None:
    Authority(tmp_path)
    contract = {**CONTRACTS[0], "operations": {"read": CONTRACTS[0]["operations"]["read"]}}  # type: ignore[index]
    manifest = {"service": "desk", "major": 1, "system": "provider", "kind": "http", "tls": OLD, **HTTP}
    manifest["connection"] = {"url": "https://localhost:1"}
    (tmp_path / "desk.yaml").write_text(yaml.safe_dump(contract))
    (tmp_path / "adapter.yaml").write_text(yaml.safe_dump(manifest))
    code, out, err = await run(
        "adapter", "check", str(tmp_path / "adapter.yaml"), "--contract", str(tmp_path / "desk.yaml")
    )
    assert (code, "keeps desk 1.0.0" in out) == (0, True)
    assert "warning: " in err
    assert "/tls/legacy" in err
