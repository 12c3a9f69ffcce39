"""What an integrator sees at the terminal before an adapter meets the bus: the system's own words, and where one's own code breaks."""

import asyncio
import gc
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from support.national import call
from support.preloaded import Preloaded, run
from support.processes import ROOT, free_port
from support.upstreams import served
from support.workbench import CONTRACTS, Workbench

Tried = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def tried(tmp_path: Path) -> Tried:
    """Run `lgsp adapter …` over a manifest in this folder."""
    contract = {**CONTRACTS[0], "operations": {"read": CONTRACTS[0]["operations"]["read"]}}  # type: ignore[index]
    (tmp_path / "desk.yaml").write_text(yaml.safe_dump(contract, allow_unicode=True))

    async def run_it(command: str, told: dict[str, Any], *more: str, **environment: str) -> tuple[int, str, str]:
        head = {"service": "desk", "major": 1, "system": "provider"}
        (tmp_path / "adapter.yaml").write_text(yaml.safe_dump({**head, **told}, allow_unicode=True))
        words = command.split()
        contracts = ("--contract", str(tmp_path / "desk.yaml"))
        code, out, err = await run(*words, str(tmp_path / "adapter.yaml"), *more, *contracts, environment=environment)
        return code, out, " ".join(err.split())

    return run_it


def http(url: str, **told: Any) -> dict[str, Any]:
    operation = {"path": "/so/{request.soDinhDanh}", "answer": {"ketQua": "answer.a"}}
    return {"kind": "http", "connection": {"url": url}, "operations": {"read": operation}, **told}


def soap(url: str) -> dict[str, Any]:
    operation = {"element": "A", "fields": {"Ten": "request.hoVaTen"}, "answer": {"ketQua": "answer.a"}}
    return {
        "kind": "soap",
        "connection": {"url": url},
        "soap": {"namespace": "urn:x"},
        "operations": {"read": operation},
    }


async def test_which_address_refused_and_with_what_words(tried: Tried) -> None:
    traces: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        traces.append(request.headers["traceparent"])
        if request.path == "/token":
            return web.Response(text="Khóa đã hết hạn", status=401)
        return web.Response(status=403, text="Bạn chưa được cấp quyền \x1b[2J")

    async with served(answer) as url:
        host = url.removeprefix("http://")
        code, _, err = await tried("adapter try", http(url), "read")
        assert (code, f"(refused): GET {host}/so/{{request.soDinhDanh}}: HTTP 403" in err) == (1, True)
        assert "Its message: HTTP 403 text/plain: Bạn chưa được cấp quyền" in err
        assert "\x1b" not in err
        oauth2 = {"path": "/token", "client": "'a'", "secret": "'b'"}
        _, _, err = await tried("adapter try", http(url, authentication={"oauth2": oauth2}), "read")
        assert f"(refused): POST {host}/token: HTTP 401" in err
        assert "Its message: HTTP 401 text/plain: Khóa đã hết hạn" in err
        assert not any("0" * 16 in trace for trace in traces)
        _, out, _ = await tried("contract test", http(url))
        assert "Bạn chưa được cấp quyền" in out


async def test_a_request_of_a_record_stands_in_for_the_published_example(tried: Tried, tmp_path: Path) -> None:
    known = "022093001235"

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"a": "x"}) if request.path.endswith(known) else web.Response(status=404)

    request = tmp_path / "request.json"
    request.write_text(f'{{"soDinhDanh": "{known}"}}')
    async with served(answer) as url:
        code, out, _ = await tried("contract test", http(url))
        assert (code, "read, the example: " in out) == (1, True), out
        report = tmp_path / "report.json"
        await tried("contract test", http(url), "--request", f"read={request}", "--report", str(report))
        trials = {trial["what"]: trial["outcome"] for trial in json.loads(report.read_text())["trials"]}
        assert (trials["the given request"], "the example" in trials) == ("answered", False)
        assert known not in report.read_text()
        code, _, err = await tried("contract test", http(url), "--request", f"write={request}")
        assert (code, "OPERATION=FILE, with one of the operations: read" in err) == (1, True)


async def test_nobody_at_the_address(tried: Tried) -> None:
    port = free_port()
    _, _, err = await tried("adapter try", http(f"http://127.0.0.1:{port}"), "read")
    assert f"(unreachable): GET 127.0.0.1:{port}/so/{{request.soDinhDanh}}: Connection refused" in err


async def test_a_fault_with_its_words_or_without_any(tried: Tried) -> None:
    said = {"fault": "<faultcode>s:Client.Auth</faultcode>"}

    async def answer(_request: web.Request) -> web.Response:
        text = f"<s:Fault>{said['fault']}</s:Fault>"
        space = "http://schemas.xmlsoap.org/soap/envelope/"
        text = f"<s:Envelope xmlns:s='{space}'><s:Body>{text}</s:Body></s:Envelope>"
        return web.Response(status=500, text=text, content_type="text/xml")

    async with served(answer) as url:
        _, _, err = await tried("adapter try", soap(url), "read")
        assert "(refused)" in err
        assert "SOAP fault Client.Auth, without a faultstring" in err
        said["fault"] += "<faultstring>Sai mật khẩu</faultstring>"
        _, _, err = await tried("adapter try", soap(url), "read")
        assert "Its message: SOAP fault Client.Auth: Sai mật khẩu" in err
        wrong = soap(url)
        wrong["operations"]["read"]["fields"] = {"Ngay": "iso_date(request.soDinhDanh, 'dd/MM/yyyy')"}
        code, _, err = await tried("adapter try", wrong, "read")
        assert (code, "/operations/read/fields/Ngay: a date is not in the form dd/MM/yyyy" in err) == (1, True), err
        assert "cannot be sent to the system" in err
        assert "nothing was sent" in err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("own_adapters:WithoutMethod", "the adapter has no method read for the operation read; write it"),
        ("own_adapters:NotAsync", "the method read must be `async def read(self, request, call)`"),
        ("own_adapters:WithoutCall", "the method read must be `async def read(self, request, call)`"),
        ("own_adapters:Nobody", "there is no Adapter class support.own_adapters:Nobody"),
        ("no_such_module:Desk", "cannot import support.no_such_module: No module named 'support.no_such_module'"),
    ],
)
async def test_a_class_that_cannot_answer_is_found_by_check(tried: Tried, name: str, said: str) -> None:
    told = {"kind": "python", "adapter": f"support.{name}"}
    for command in (("adapter check",), ("adapter try", "read")):
        code, out, err = await tried(command[0], told, *command[1:])
        assert (code, "keeps" in out, said in err) == (1, False, True), err


async def test_where_ones_own_code_breaks(tried: Tried) -> None:
    told = {"kind": "python", "adapter": "support.own_adapters:Breaks"}
    code, out, _ = await tried("adapter check", told)
    assert (code, "keeps desk 1.0.0" in out) == (0, True)
    code, _, err = await tried("adapter try", told, "read")
    assert (code, "own_adapters.py" in err, "KeyError: 'khongCo'" in err) == (1, True, True)
    assert "The adapter failed with KeyError; the traceback above shows where" in err


async def test_where_an_adapter_breaks_on_the_bus_is_said_in_its_log(bus: Workbench, tmp_path: Path) -> None:
    """By file, line and function, and without a word of what it was about."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/provider.pem").write_bytes(bus.keys["provider"].to_pem())
    told = {"kind": "python", "adapter": "support.own_adapters:BreaksEverywhere"}
    head = {"service": "desk", "major": 1, "system": "provider"}
    (tmp_path / "adapter.yaml").write_text(yaml.safe_dump({**head, **told}))
    command = [
        "adapter",
        "run",
        str(tmp_path / "adapter.yaml"),
        "--nats",
        bus.nats_url,
        "--keys",
        str(tmp_path / "keys"),
    ]
    command += ["--gateway", f"http://127.0.0.1:{bus.port}", "--catalog", str(bus.catalog_folder)]
    adapter = Preloaded(command, tmp_path / "adapter.log")
    await adapter.start()
    assert (await bus.call()).code == "provider-failed"
    await adapter.stop()
    log = (tmp_path / "adapter.log").read_text()
    assert "adapter failed" in log
    assert "support/own_adapters.py:" in log
    assert "022093001234" not in log


async def test_the_example_of_the_page_answers_and_leaves_nothing_open() -> None:
    page = (ROOT / "docs/integrate/connect-a-system.md").read_text()
    example = page.partition("### In Python")[2].partition("```python\n")[2].partition("```")[0]
    there: dict[str, Any] = {}
    exec(example, there)

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"no": 7, "area": 120.5})

    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
    async with served(answer) as url:
        adapter = there["Land"]({"url": url})
        await adapter.open()
        assert await adapter.lookup_parcel({"soThua": 7}, call()) == {"soThua": 7, "dienTich": Decimal("120.5")}
        await adapter.close()
        del adapter
        gc.collect()
    asyncio.get_running_loop().set_exception_handler(None)
    assert not complaints
