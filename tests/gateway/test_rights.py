"""Who may ask which path: every route of the application, as nobody, as each role, on what is the caller's own and what is not."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.unconnected import application, routes
from support.workbench import CONTRACTS, TEXT, Workbench, document, grant

from lgsp_auth.roles import ROLES
from lgsp_gateway.api.rights_page import page
from lgsp_gateway.http import route_access
from lgsp_gateway.http.routes import Route, declared_routes
from lgsp_gateway.http.session_cookie import CONSOLE, REQUESTED_WITH
from lgsp_gateway.registry.documents import PLURALS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rights.md"
NEAR, AFAR = f"p-{'a' * 26}", f"p-{'b' * 26}"
OWN = {
    "Instance": "this", "Agency": "H49.1", "Purpose": "why", "Person": NEAR, "System": "near", "Service": "desk-v1", "Grant": "alpha-desk",
}  # fmt: skip
FOREIGN = {
    "Instance": "this", "Agency": "H49.2", "Purpose": "why", "Person": AFAR, "System": "afar", "Service": "afar-v1", "Grant": "afar-afar",
}  # fmt: skip
MESSAGE = "01a2b3c4-0000-7000-8000-000000000000"


ROUTES = list(routes())


@pytest_asyncio.fixture(scope="module")
async def far(bus: Workbench) -> AsyncIterator[None]:
    """Documents of another agency, on both ends, and a system of this one whose tokens nobody needs."""
    contract = {**CONTRACTS[0], "service": "afar", "provider": "afar"}
    sent = [
        ("instances", document("Instance", "this", identifier="VN", memberClass="GOV")),
        ("purposes", document("Purpose", "why", title=TEXT)),
        ("persons", document("Person", NEAR, issuer="https://id", agency="H49.1", roles=["developer"])),
        ("persons", document("Person", AFAR, issuer="https://id", agency="H49.2", roles=["developer"])),
        ("systems", document("System", "near", agency="H49.1", title=TEXT)),
        ("systems", document("System", "afar", agency="H49.2", title=TEXT)),
        ("services", document("Service", "afar-v1", contract=contract)),
        ("grants", grant("afar-afar", "afar", "afar", read=["*"])),
    ]
    for kind, one in sent:
        assert (await bus.registry("POST", kind, one)).status == 201
    yield
    for kind, one in reversed(sent):
        path = f"{kind}/{one['metadata']['name']}"
        last = await bus.registry("GET", path)
        assert (await bus.registry("DELETE", path, headers={"If-Match": last.headers["ETag"]})).status == 204


def test_every_route_says_who_may_ask_and_the_page_says_it() -> None:
    assert len(ROUTES) > 45
    assert all(route.right for route in ROUTES if route.path.startswith("/registry/"))
    assert all(
        route.roles or route.right
        for route in ROUTES
        if route.path.startswith(("/ops/", "/evidence/")) and route.access == "token"
    )
    assert PAGE.read_text() == page(ROUTES), f"write it anew: PYTHONPATH=tests .venv/bin/python {__file__}"


async def test_a_route_that_nobody_declared_does_not_start(tmp_path: Path) -> None:
    app = application(tmp_path)
    app.router.add_get("/backdoor", route_access._hidden_refusal)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="declared"):
        declared_routes(app)


def path_of(pattern: str, kind: str, names: dict[str, str]) -> str:
    """A path that exists, of what is named."""
    path = re.sub(r"\{kind:(\w+)\}", r"\1", pattern)
    if not kind:
        kind = "Grant" if "/grants/" in path else "Service"
    path = path.replace("{name}", names.get(kind, "")).replace("{gateway}", "bench").replace("{message}", MESSAGE)
    path = re.sub(r"\{action:[^}]*resume[^}]*\}", "resume", path)
    path = re.sub(r"\{action:(\w+)[^}]*\}", r"\1", path)
    path = path.replace("{service}", "desk")
    path = re.sub(r"\{major:[^}]*\}", "1", path)
    return re.sub(r"\{\w+(:[^}]*)?\}", MESSAGE, path)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method}-{route.path}")
async def test_cell(bus: Workbench, far: None, route: Route) -> None:
    for whose in ("own", "foreign"):
        unknown = ("nobody", "forger") if whose == "own" else ()  # an address may fail so often
        if route.access == "person" and whose == "foreign":
            continue  # each of them fails there, whosever it is
        for who in unknown:
            await check_cell(bus, route, whose, who)
        # At once: what asks the adapters takes a second, which they share.
        await asyncio.gather(*(check_cell(bus, route, whose, who) for who in ("gamma", *ROLES)))


async def check_cell(bus: Workbench, route: Route, whose: str, who: str) -> None:
    kind, names = route.right.kind if route.right else "", OWN if whose == "own" else FOREIGN
    path = path_of(route.path, kind, names)
    async with asyncio.timeout(20):
        while (status := await asked(bus, route, path, who, kind, names)) == 429:
            pass  # this address failed too often; each such answer takes a second
    if (route.method, route.path) == ("POST", "/files") and status == 403:
        return  # whether a system may send files at all is decided by its grants, not by a role
    denied = (401, 403, 404) if kind else (401, 403)
    assert (status not in denied) == allowed(route, who, whose), (route.method, path, who, whose, status)
    assert who not in ("nobody", "forger") or status == 401 or allowed(route, who, whose)


def allowed(route: Route, who: str, whose: str) -> bool:
    if route.access in ("public", "anybody", "optional", "client"):  # the last answers 400 to what is no form
        return route.access != "optional" or who != "forger"
    if route.access in ("person", "signed-in") or who in ("nobody", "forger"):
        return False
    if route.roles:
        return who in route.roles
    if route.right is None:
        return True
    scope = route.right.scope(who)
    return scope == "any" or (
        scope == "own" and (whose == "own" or route.right == route_access.list_right(route.right.kind))
    )


async def asked(bus: Workbench, route: Route, path: str, who: str, kind: str, names: dict[str, str]) -> int:
    """The status of a request that changes nothing: it is tried only, names no revision that is there, or leaves out why."""
    method, headers = route.method, {"If-Match": '"1"', "Accept-Language": "en"}
    if "cross-site-request" in route.problems:
        headers |= {REQUESTED_WITH: CONSOLE, "Sec-Fetch-Site": "same-origin"}
    if who != "nobody":
        headers["Authorization"] = f"Bearer {'x.y.z' if who == 'forger' else bus.token(who)}"
    body = None
    if kind and (method == "PUT" or (method == "POST" and path.count("/") == 2)):
        plural = {kind_: plural for plural, kind_ in PLURALS.items()}
        body = (await bus.registry("GET", f"{plural[kind]}/{names[kind]}")).json
        body = {key: value for key, value in body.items() if key != "status"}
        new = {"Agency": "H49.999", "Instance": "this", "Person": f"p-{'c' * 26}"}
        body["metadata"] = {"name": new.get(kind, "dry-v1")}
        if kind == "Service":
            body["spec"]["contract"]["service"] = "dry"
            body["spec"]["phase"] = "draft"
        path = (
            f"/registry/{plural[kind]}" + ("/" + body["metadata"]["name"] if method == "PUT" else "") + "?dryRun=true"
        )
        headers = {**headers, "If-None-Match": "*"}
    elif path.endswith("/suspend"):
        body = {"until": "2020-01-01"}  # without a reason
    async with asyncio.timeout(20), bus.session.request(method, path, headers=headers, json=body) as answer:
        return answer.status  # of a stream, without waiting for what it will say


if __name__ == "__main__":
    PAGE.write_text(page(ROUTES))
    sys.stdout.write(f"{PAGE}\n")
