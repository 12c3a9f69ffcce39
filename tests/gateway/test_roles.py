"""Who may read and change what: the table, cell by cell, over HTTP."""

from typing import Any

import pytest
from support.workbench import CONTRACTS, TEXT, Workbench, document, grant

from lgsp_auth.roles import ROLES, TABLE

KINDS = ("Agency", "System", "Service", "Grant")
PATHS = {"Agency": "agencies", "System": "systems", "Service": "services", "Grant": "grants"}


def foreign(kind: str) -> dict[str, Any]:
    """A document of agency H49.2, which none of the callers belongs to."""
    contract = {**CONTRACTS[0], "service": "elsewhere", "provider": "foreign"}
    return {
        "Agency": document("Agency", "H49.2", title=TEXT),
        "System": document("System", "foreign", agency="H49.2", title=TEXT),
        "Service": document("Service", "elsewhere-v1", contract=contract),
        "Grant": grant("elsewhere", "foreign", "elsewhere", read=["*"]),
    }[kind]


def own(kind: str) -> dict[str, Any]:
    """A document of the callers' agency."""
    contract = {**CONTRACTS[0], "service": "here"}
    return {
        "Agency": document("Agency", "H49.1", title=TEXT),
        "System": document("System", "mine", agency="H49.1", title=TEXT),
        "Service": document("Service", "here-v1", contract=contract),
        "Grant": grant("here", "alpha", read=["*"]),
    }[kind]


@pytest.fixture(scope="module")
async def populated(bus: Workbench) -> Any:
    made = []
    for kind in KINDS:
        for sent in (foreign(kind), own(kind)):
            got = await bus.registry("POST", PATHS[kind], sent)
            assert got.status in (201, 409)
            if got.status == 201:
                made.append((f"{PATHS[kind]}/{sent['metadata']['name']}", got))
    yield
    for path, _ in reversed(made):
        last = await bus.registry("GET", path)
        assert (await bus.registry("DELETE", path, headers={"If-Match": last.headers["ETag"]})).status == 204


@pytest.mark.parametrize("role", [*ROLES, "alpha"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("whose", ["own", "any"])
async def test_cell(bus: Workbench, populated: Any, role: str, kind: str, whose: str) -> None:
    """`alpha` has no role at all."""
    sent = own(kind) if whose == "own" else foreign(kind)
    path = f"{PATHS[kind]}/{sent['metadata']['name']}"
    scopes = {action: TABLE[kind, action].get(role) for action in ("read", "change")}
    may = {action: scope == "any" or (scope == "own" and whose == "own") for action, scope in scopes.items()}

    read = await bus.registry("GET", path, system=role)
    assert read.status == (200 if may["read"] else 404)
    listed = await bus.registry("GET", f"{PATHS[kind]}?limit=1000", system=role)
    assert listed.status == (200 if scopes["read"] else 403)
    if scopes["read"]:
        names = {item["metadata"]["name"] for item in listed.json["items"]}
        assert (sent["metadata"]["name"] in names) == may["read"]
    history = await bus.registry("GET", f"{path}/history", system=role)
    assert history.status == (200 if may["read"] else 404)

    tag = (await bus.registry("GET", path)).headers["ETag"]
    put = await bus.registry("PUT", f"{path}?dryRun=true", sent, system=role, headers={"If-Match": tag})
    assert put.status == (200 if may["change"] else 403)
    removed = await bus.registry("DELETE", path, system=role, headers={"If-Match": '"999999"'})
    assert removed.status == (412 if may["change"] else 403 if may["read"] or not scopes["change"] else 404)


async def test_nobody_lifts_themselves(bus: Workbench, populated: Any) -> None:
    me = await bus.registry("GET", "systems/agency-admin")
    document_ = {**me.json, "metadata": {"name": "agency-admin"}}
    document_["spec"] = {**me.json["spec"], "roles": ["operator"]}
    tag = {"If-Match": me.headers["ETag"]}
    lifted = await bus.registry("PUT", "systems/agency-admin", document_, system="agency-admin", headers=tag)
    assert lifted.code == "not-granted"
    made = document("System", "helper", agency="H49.1", title=TEXT, roles=["auditor"])
    assert (await bus.registry("POST", "systems", made, system="agency-admin")).code == "not-granted"
    moved = document("System", "foreign", agency="H49.1", title=TEXT)
    theirs = await bus.registry("GET", "systems/foreign")
    taken = await bus.registry(
        "PUT", "systems/foreign", moved, system="agency-admin", headers={"If-Match": theirs.headers["ETag"]}
    )
    assert taken.code == "not-granted"
    given = document("System", "mine", agency="H49.2", title=TEXT)
    mine = await bus.registry("GET", "systems/mine")
    pushed = await bus.registry(
        "PUT", "systems/mine", given, system="agency-admin", headers={"If-Match": mine.headers["ETag"]}
    )
    assert pushed.code == "not-granted"


async def test_without_a_token_nothing(bus: Workbench) -> None:
    async with bus.session.get("/registry/systems") as answer:
        assert answer.status == 401
