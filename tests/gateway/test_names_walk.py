"""Every route and every command that takes a name, with what is none: a sentence, and NATS sees nothing of it."""

import asyncio
import contextlib
import inspect
import json
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yarl
from cyclopts import App, CycloptsError
from support.unconnected import routes
from support.workbench import TEXT, Workbench, document

from lgsp_auth.signing_keys import SigningKey
from lgsp_gateway.local import nats_config
from lgsp_problems import Refusal
from lgsp_runtime.nats.connection import connect

BAD = [
    *(
        "*",
        ">",
        ".",
        "a.b",
        "a b",
        "a\tb",
        "a\r\nb",
        "x" * 4200,
        "..",
        "../x",
        "%00",
        "\x00",
        "%2e%2e",
        "a/b",
        "/",
        "đất",
        "a\u202eb",
    ),
    *("$SYS.>", "\x1b[2J", "-"),
]
QUERIES = [
    *(
        (f"/registry/{kind}", name)
        for kind in ("systems", "services", "grants")
        for name in ("agency", "consumer", "service", "provider")
    ),
    *(
        ("/evidence/messages", name)
        for name in ("consumer", "agency", "provider", "service", "operation", "purpose", "grant", "message")
    ),
]


NAMED = [
    (route.method, route.path)
    for route in routes()
    if re.search(r"\{(name|service|major|gateway|message)\b", route.path)
]


def addresses(pattern: str, bad: str) -> Iterator[str]:
    """The path with what is bad in the place of each name in turn, as it is and percent-encoded."""
    plain = re.sub(r"\{kind:(\w+)\}", r"\1", pattern)
    plain = re.sub(r"\{action:(\w+)[^}]*\}", r"\1", plain)
    good = {
        "name": "alpha",
        "service": "desk",
        "major": "1",
        "gateway": "bench",
        "message": "01a2b3c4-0000-7000-8000-000000000000",
    }
    holes = re.findall(r"\{(\w+)(?::[^}]*)?\}", plain)
    for hole in holes:
        for spelled in {quote(bad, safe=""), quote(quote(bad, safe=""), safe="")}:
            path = plain
            for name in holes:
                path = re.sub(
                    rf"\{{{name}(:[^}}]*)?\}}",
                    (spelled if name == hole else good.get(name, good["message"])).replace("\\", r"\\"),
                    path,
                )
            yield path


async def send(bus: Workbench, method: str, path: str) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {bus.token('both')}", "Accept-Language": "en", "If-Match": '"1"'}
    url = yarl.URL(f"http://127.0.0.1:{bus.port}{path}", encoded=True)
    body = (
        {"apiVersion": "lgsp/v1", "kind": "System", "metadata": {"name": "x"}, "spec": {}}
        if method in ("PUT", "POST")
        else None
    )
    async with asyncio.timeout(20), bus.session.request(method, url, headers=headers, json=body) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_every_route_that_takes_a_name(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    bus.keys["both"] = bus.keys["operator"]
    both = document("System", "both", agency="H49.1", title=TEXT, roles=["operator", "auditor"])
    assert (await bus.registry("POST", "systems", both)).status == 201
    nats = await connect(bus.endpoint("gateway"), "test")
    jetstream = nats.jetstream()
    streams = sorted(info.config.name for info in await jetstream.streams_info())
    assert len(NAMED) > 25
    for method, pattern in NAMED:
        for bad in BAD:
            for path in addresses(pattern, bad):
                status, said = await send(bus, method, path)
                assert 400 <= status < 500, (method, path[:200], status)
                assert said["detail"].endswith("."), (method, path[:200], said)
                assert len(said["detail"]) < 400
    for path, name in QUERIES:
        for bad in BAD:
            status, said = await send(bus, "GET", f"{path}?{name}={quote(bad, safe='')}")
            assert (status, said["code"]) == (400, "malformed"), (path, name, bad)
    for bad in ("*", ">", "a.b", "x" * 4200, "%00", "%2e%2e", "a%0Ab"):
        for path in (f"/services/{bad}/v1/read", f"/services/desk/v{bad}/read", f"/services/desk/v1/{bad}"):
            assert (await send(bus, "POST", path))[0] == 404
    assert {info.config.name: info.state.consumer_count for info in await jetstream.streams_info()} == dict.fromkeys(
        streams, 0
    )
    await nats.close()
    log = (bus.state.logs / nats_config.LOG).read_text().lower()
    assert "maximum control line" not in log
    assert "lost" not in (bus.state.logs / "gateway-bench.log").read_text()
    async with bus.session.get("/readyz") as answer:
        assert answer.status == 200


def commands() -> App:
    app = App(name="lgsp")
    for entry in sorted(entry_points(group="lgsp.commands"), key=lambda entry: entry.name != "contracts"):
        entry.load()(app)
    return app


def walked(app: App, before: tuple[str, ...] = ()) -> Iterator[tuple[str, list[str]]]:
    """Every command, with the names of its parameters."""
    for name in app:
        if name.startswith("-"):
            continue
        command = app[name]
        if command.default_command:
            yield " ".join((*before, name)), list(inspect.signature(command.default_command).parameters)
        yield from walked(command, (*before, name))


TAKES = {
    "name",
    "event",
    "service",
    "operation",
    "system",
    "user",
    "message",
    "agency",
    "consumer",
    "provider",
    "grant",
    "purpose",
    "as_",
    "server",
    "names",
    "manifest",
    "manifests",
}
URL = ("--url", "http://127.0.0.1:1", "--token", "x")
"""Where nothing answers: what is no name does not get that far."""
NAMES_OF_USERS = {"a.b"}
"""What names no document, and is what people may sign in with."""
LINES: dict[str, list[tuple[str, ...]]] = {
    "contract new": [("{}",), ("x", "--provider", "{}"), ("x", "--provider", "y", "--operation", "{}")],
    "contract import openapi": [
        ("{openapi}", "--service", "{}", "--provider", "x", "-o", "{out}"),
        ("{openapi}", "--service", "x", "--provider", "{}", "-o", "{out}"),
        ("{openapi}", "--service", "x", "--provider", "y", "--operation", "{}", "-o", "{out}"),
    ],
    "contract import table": [],  # asks its database first; the draft is checked against the schema
    "contract import wsdl": [
        ("{openapi}", "--service", "{}", "--provider", "x", "-o", "{out}"),
        ("{openapi}", "--service", "x", "--provider", "{}", "-o", "{out}"),
    ],
    "contract test": [("{}", "--contract", "{contract}")],
    "calls": [],  # a query, which the gateway holds
    "sdk python": [("{}", "--contract", "{contract}"), ("{}", "--url", "http://127.0.0.1:1")],
    "sdk typescript": [("{}", "--contract", "{contract}")],
    "sdk java": [("{}", "--contract", "{contract}")],
    "adapter run": [("{}",)],
    "adapter install": [
        ("{}", "--manifest", "x", "--nats", "nats://127.0.0.1:1", "--gateway", "http://127.0.0.1:1", "--key", "{out}"),
    ],
    "adapter accept": [("{}",)],
    "adapter check": [("{}",)],
    "adapter try": [("{}", "read", "--contract", "{contract}")],
    "adapter explain": [("{}",)],
    "adapter watch": [("{}", "x"), ("vaccination", "{}")],
    "adapter map": [("{}", "read", "--contract", "{contract}")],
    "adapter preview": [("{contract}", "--manifest", "{}")],
    "adapter conformance": [("{}",), ("http", "{}")],
    "adapter new": [("{contract}", "--kind", "http", "--system", "{}", "-o", "{out}")],
    "sandbox run": [("{}", "--port", "0")],
    "init": [
        ("--agency", "{}", "--dry-run", "--domain", "a.vn", "--operator", "a.b=H49=A", "--max-storage", "1GiB"),
        ("--operator", "{}", "--dry-run", "--domain", "a.vn", "--agency", "H49=A", "--max-storage", "1GiB"),
        ("--domain", "{}", "--dry-run", "--agency", "H49=A", "--operator", "a.b=H49=A", "--max-storage", "1GiB"),
    ],
    "token": [("{}", "--url", "http://127.0.0.1:1")],
    "call": [
        ("{}", "read", *URL),
        ("desk", "{}", *URL),
        ("desk", "read", "--purpose", "{}", *URL),
        ("desk", "read", "--async", "--callback", "{}", *URL),
        ("desk", "read", "--as", "{}", "--url", "http://127.0.0.1:1"),
    ],
    "get": [
        *((kind, "{}", *URL) for kind in ("agencies", "purposes", "persons", "systems", "services", "grants")),
        *(("systems", option, "{}", *URL) for option in ()),
        ("systems", "--as", "{}", "--url", "http://127.0.0.1:1"),
    ],
    "promote": [("{}", "--from", "x", *URL), ("service/{}", "--from", "x", *URL)],
    "describe": [("systems", "{}", *URL)],
    "history": [("systems", "{}", *URL)],
    "delete": [("systems", "{}", *URL)],
    "grant": [("approve", "{}", *URL), ("renew", "{}", *URL)],
    **{f"requests {step}": [("{}", "--reason", "x", *URL)] for step in ("approve", "deny")},
    "requests show": [("{}", *URL)],
    "service": [("resume", "{}", *URL)],
    "keys new": [
        ("{}", "--agency", "H49", "--title-vi", "x", "--title-en", "x", "--folder", "{folder}"),
        ("x", "--agency", "{}", "--title-vi", "x", "--title-en", "x", "--folder", "{folder}"),
    ],
    "system keys": [("{}", *URL)],
    "system rotate-key": [("{}", *URL), ("{}", "--url", "http://127.0.0.1:1", "--token", "x", "--dry-run")],
    "system add-key": [("{}", "{jwk}", *URL)],
    "system remove-key": [("{}", "x", *URL)],
    "system new-secret": [("{}", *URL)],
    "system remove-secret": [("{}", *URL)],
    "system end-tokens": [("{}", *URL)],
    "person create": [
        ("--issuer", "https://id", "--agency", "{}", "--role", "developer", *URL)
    ],  # `--name` is free text
    "user create": [("{}", *URL)],
    "user reset": [("{}", *URL)],
    "user end": [("{}", *URL)],
    "person link": [("{}", "--account", "x", *URL)],
    "idempotency show": [("k", "--system", "{}", *URL)],
    "idempotency settle": [("k", "happened", "--system", "{}", "-m", "x", *URL)],
    "events publish": [("{}", "changed", "{contract}", *URL), ("desk", "{}", "{contract}", *URL)],
    "subscriptions list": [("--system", "{}", *URL)],
    "subscriptions create": [
        ("{}", "registered", "--name", "x", *URL),
        ("births", "{}", "--name", "x", *URL),
        ("births", "registered", "--name", "x", "--operation", "{}/receive", *URL),
    ],
    "endpoints list": [("--system", "{}", *URL)],
    "subscriptions replay": [("{}", "--from", "now", *URL), ("0190", "--from", "now", "--event", "{}", *URL)],
    "subscriptions test": [("{}", *URL), ("0190", "--event", "{}", *URL)],
    "endpoints create": [("{}", "https://example.vn", *URL)],
    "messages list": [("--service", "{}", *URL), ("--system", "{}", *URL)],
    **{f"messages {step}": [("{}", *URL)] for step in ("show", "response", "cancel", "retry")},
    "dead-letters list": [("--service", "{}", *URL), ("--system", "{}", *URL)],
    "dead-letters retry": [("--all", "--service", "{}", *URL), ("--all", "--system", "{}", *URL)],
    "nats config": [("{}", "--to", "{folder}", "--store", "x", "--max-storage", "1GiB")],
    "nats rotate-password": [("{}", "--configuration", "{out}", "--nats-passwords", "{folder}")],
    "evidence search": [],  # as queries, which the gateway holds
    "evidence prove": [("{}", *URL)],
    "evidence witness": [],  # `--name` is the witness's own, of no pattern of the bus
}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Path]:
    with contextlib.chdir(tmp_path):
        yield tmp_path


@pytest.fixture(scope="module")
def app() -> App:
    return commands()


def test_every_command_that_takes_a_name_is_tried(app: App) -> None:
    assert {command for command, parameters in walked(app) if TAKES & set(parameters)} == set(LINES)


@pytest.mark.parametrize("command", LINES)
def test_every_command_that_takes_a_name(here: Path, app: App, command: str) -> None:
    (here / "openapi.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: x, version: 1.0.0}\npaths: {/a: {get: {responses: {'200': {description: x}}}}}\n"
    )
    (here / "jwk.json").write_text(json.dumps(SigningKey.generate().public_jwk()))
    contract = Path(__file__).parents[2] / "contracts" / "catalog"
    places = {
        "{openapi}": str(here / "openapi.yaml"),
        "{jwk}": str(here / "jwk.json"),
        "{contract}": str(min(contract.rglob("*.yaml"))),
        "{out}": str(here / "out.yaml"),
        "{folder}": str(here / "folder"),
    }
    before = sorted(here.rglob("*"))
    for line in LINES[command]:
        for bad in BAD:
            if bad in NAMES_OF_USERS and command.startswith("user "):
                continue
            tokens = [*command.split(), *(places.get(token, token.replace("{}", bad)) for token in line)]
            with pytest.raises((Refusal, CycloptsError)) as refused:
                app(tokens, exit_on_error=False, print_error=False)
            error = refused.value
            said = error.detail.en if isinstance(error, Refusal) else str(error)
            assert said.strip(), tokens
            assert not isinstance(error, Refusal) or error.code in (
                "malformed",
                "invalid-document",
                "not-found",
                "cannot-start",
            ), (tokens, error)
    assert sorted(here.rglob("*")) == before  # nothing was written
