"""The management API and its OpenAPI description say the same."""

import asyncio
import re
from typing import Any

import jsonschema
import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator
from support.workbench import Workbench

from lgsp_gateway.api import description
from lgsp_gateway.http import routes
from lgsp_gateway.http.parameter_types import integer_parameter, text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route

VALUES = {"service": "desk", "major": "1", "gateway": "bench", "message": "019ac5a0-5c64-7d1e-9d1c-6d5c2f0b7a11"}
VALUES |= {"code": "not-granted", "name": "nobody-is-called-so", "action": "approve"}
_ID = VALUES["message"]
VALUES |= {"letter": f"message.desk.alpha.{_ID}", "subscription": _ID, "endpoint": _ID, "file": _ID, "event": "changed"}
VALUES |= {"secret": _ID, "id": _ID}


async def _described(bus: Workbench) -> dict[str, Any]:
    async with bus.session.get("/openapi.json") as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        return found


def _operations(described: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(method, path, one) for path, methods in described["paths"].items() for method, one in methods.items()]


def _filled(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: VALUES.get(found[1], VALUES["message"]), path)


async def test_it_is_openapi_and_names_each_operation_once(bus: Workbench) -> None:
    described = await _described(bus)
    OpenAPIV31SpecValidator(described).validate()
    operations = _operations(described)
    names = [one["operationId"] for _, _, one in operations]
    assert len(set(names)) == len(names) > 40
    assert all(one["summary"] and one["tags"] for _, _, one in operations)
    assert not any(path.startswith("/services/") for _, path, _ in operations)


async def test_the_gateway_knows_each_path_that_is_described(bus: Workbench) -> None:
    described = list(_operations(await _described(bus)))
    assert len(described) > 40
    for method, path, _ in described:
        sent = {"Authorization": f"Bearer {bus.token('operator')}", "Accept-Language": "en"}
        if method != "get":
            sent.pop("Authorization")  # the registry stays as it is
        async with bus.session.request(method, _filled(path), headers=sent, allow_redirects=False) as answer:
            if answer.content_type == "text/event-stream":
                continue
            said = await answer.text()
            assert answer.status != 405, (method, path)
            assert "There is no path" not in said, (method, path)
            assert answer.status in (200, 303, 400, 401, 403, 404, 415, 503), (method, path, said)


def test_a_route_that_is_not_declared_fails() -> None:
    app = routes.application(1024)

    async def nothing(_: web.Request) -> web.Response:
        return web.Response()

    routes.add_route(
        app,
        Route("GET", "/declared", "readNothing", "Read nothing", "anybody", {200: ResponseSpec("Nothing")}),
        nothing,
    )
    assert [route.path for route in description.route_declarations(app)] == ["/declared"]
    app.router.add_post("/declared", nothing)
    with pytest.raises(LookupError, match="POST /declared"):
        description.route_declarations(app)


async def test_answers_keep_their_schemas(bus: Workbench) -> None:
    described = await _described(bus)
    registry = jsonschema.Draft202012Validator
    checked = 0
    for method, path, one in _operations(described):
        if method != "get" or path.startswith(("/me/access-log", "/catalog/events", "/evidence/entries")):
            continue
        role = "auditor" if path.startswith("/evidence") else "operator"
        values = {
            **VALUES,
            "name": "desk-v1" if "/services/" in path else "alpha" if "/systems/" in path else "alpha-desk",
        }
        filled = re.sub(r"\{(\w+)\}", lambda found, values=values: values.get(found[1], VALUES["message"]), path)
        filled = filled.replace("/agencies/alpha-desk", "/agencies/H49.1")
        sent = {"Authorization": f"Bearer {bus.token(role)}", "Accept": "application/json"}
        async with bus.session.get(filled, headers=sent, allow_redirects=False) as answer:
            assert str(answer.status) in one["responses"], (path, answer.status)
            response = one["responses"][str(answer.status)]
            declared = response.get("content", {})
            if answer.status == 303:
                assert not declared
                assert response["headers"].keys() <= answer.headers.keys()
                continue
            assert answer.content_type in declared, (path, answer.status, answer.content_type)
            if "json" not in answer.content_type or answer.content_type.endswith("jsonl"):
                continue
            document = await answer.json(content_type=None)
        schema = {**declared[answer.content_type]["schema"], "components": described["components"]}
        registry(schema).validate(document)
        checked += 1
    assert checked >= 20


async def test_what_no_route_knows_is_refused_by_its_name(bus: Workbench) -> None:
    for path in ("/registry/grants?consumers=alpha", "/catalog?qq=x", "/ops/checks?verbose=1", "/livez?x=1"):
        headers = {"Authorization": f"Bearer {bus.token('operator')}", "Accept-Language": "en"}
        async with bus.session.get(path, headers=headers) as answer:
            problem = await answer.json(content_type=None)
            assert (answer.status, problem["code"]) == (400, "malformed"), path
            assert path.partition("?")[2].partition("=")[0] in problem["detail"]
    async with bus.session.get("/registry/grants?limit=1&limit=2", headers=headers) as answer:
        assert answer.status == 400
        assert "more than once" in (await answer.json(content_type=None))["detail"]
    async with bus.session.get("/registry/grants?consumer=alpha", headers=headers) as answer:
        assert {item["spec"]["consumer"] for item in (await answer.json())["items"]} == {"alpha"}


async def test_bounds_are_described_and_held(bus: Workbench) -> None:
    headers, refused = {"Authorization": f"Bearer {bus.token('auditor')}", "Accept-Language": "en"}, 0
    for _, path, one in _operations(await _described(bus)):
        for parameter in one.get("parameters", []):
            schema = parameter["schema"]
            if parameter["in"] != "query" or "/me/" in path:
                continue
            assert {"maxLength", "maximum", "enum"} & schema.keys() or schema == {"type": "boolean", "default": False}
            bad = str(schema["maximum"] + 1) if "maximum" in schema else "x" * (schema.get("maxLength", 500) + 1)
            async with bus.session.get(
                _filled(path), params={parameter["name"]: bad}, headers=headers, allow_redirects=False
            ) as answer:
                assert answer.status in (303, 400, 403, 404, 405, 415), (path, parameter["name"])
                if answer.status == 400:
                    refused += 1
                    assert parameter["name"] in (await answer.json(content_type=None))["detail"]
    assert refused > 10


def test_a_parameter_reads_what_it_describes() -> None:
    number = integer_parameter("limit", "how many", 1, 1000, 50)
    assert number.openapi()["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}
    assert text_parameter("q", "words").openapi()["schema"] == {"type": "string", "maxLength": 500}


async def test_pages_of_other_origins_read_what_is_public_and_nothing_else(bus: Workbench) -> None:
    described = await _described(bus)
    origin = {"Origin": "https://editor.example", "Access-Control-Request-Method": "GET"}
    public = []
    for method, path, one in _operations(described):
        if method != "get" or "events" in path or "entries" in path:
            continue
        sent = {"Authorization": f"Bearer {bus.token('auditor')}", "Origin": "https://editor.example"}
        if not one["security"]:
            sent.pop("Authorization")
        async with bus.session.get(_filled(path), headers=sent) as answer:
            allowed = answer.headers.get("Access-Control-Allow-Origin")
            assert "Access-Control-Allow-Credentials" not in answer.headers
        async with bus.session.options(_filled(path), headers=origin) as preflight:
            preflighted = preflight.headers.get("Access-Control-Allow-Origin")
            speaks_tus = "Tus-Version" in preflight.headers  # its OPTIONS tells what the server can do
            assert preflight.status == (204 if preflighted or speaks_tus else 405), path
        assert allowed == preflighted, path
        if allowed:
            assert allowed == "*"
            assert preflight.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
            public.append(path)
    assert sorted(public) == [
        "/",
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/catalog",
        "/catalog/services",
        "/catalog/services/{service}/v{major}",
        "/catalog/services/{service}/v{major}/asyncapi.json",
        "/catalog/services/{service}/v{major}/contract.json",
        "/catalog/services/{service}/v{major}/contract.yaml",
        "/catalog/services/{service}/v{major}/openapi.json",
        "/catalog/services/{service}/v{major}/operations/{operation}/programs",
        "/catalog/tokens",
        "/evidence/instance",
        "/evidence/keys",
        "/openapi.json",
        "/problems",
        "/problems/{code}",
        "/schemas/{name}.json",
    ]
    async with bus.session.get("/catalog/services/nobody/v1/openapi.json", headers=origin) as answer:
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (
            404,
            "*",
        )  # the problem can be read too


async def test_streams_are_not_held_back_on_the_way(bus: Workbench) -> None:
    sent = {"Authorization": f"Bearer {bus.token('auditor')}"}
    for path in ("/catalog/events", "/evidence/entries?follow=true", "/evidence/logs/bench/entries"):
        async with bus.session.get(path, headers=sent) as answer:
            assert answer.status == 200
            assert answer.headers["X-Accel-Buffering"] == "no"
            assert answer.headers["Cache-Control"] == "no-store"


async def test_head_answers_the_head_alone(bus: Workbench) -> None:
    paths = [path for method, path, _ in _operations(await _described(bus)) if method == "get"]
    assert len(paths) > 20
    for path in paths:
        sent = {"Authorization": f"Bearer {bus.token('auditor')}"}
        query = "?follow=true" if path == "/evidence/entries" else ""
        reader, writer = await _as_bytes(bus, "HEAD", _filled(path) + query, sent)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.split()[1] != b"405", path
        # The connection serves the next request: nothing of a body lies before its answer.
        rest = await reader.read()
        assert rest.startswith(b"HTTP/1.1 200 OK") or rest == b"", (path, rest[:80])
        writer.close()


async def _as_bytes(bus: Workbench, method: str, path: str, headers: dict[str, str]) -> Any:
    """A request as bytes, so that no client reads the answer in its own way; a second one follows it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: bus\r\n{lines}\r\n".encode())
    writer.write(b"HEAD /livez HTTP/1.1\r\nHost: bus\r\nConnection: close\r\n\r\n")
    return reader, writer
