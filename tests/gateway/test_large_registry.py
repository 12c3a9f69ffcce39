"""With a large registry a request parses the documents that it shows, compiles no contract for a list, and lets others in between.

How long that takes is measured by `tests/bench/loop_blocking.py`. Here every document that a request has no need of is made
unreadable after it was indexed: whoever parses it fails.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio
from aiohttp import web
from support import unconnected
from support.processes import free_port
from support.workbench import CONTRACTS, TEXT, grant

from lgsp_contracts.names import DocumentName
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.registry import references
from lgsp_gateway.registry.document_pages import SEEN_AT_A_TURN, Wanted, read_page
from lgsp_gateway.registry.documents import KINDS, DocumentVersion, service_name
from lgsp_gateway.registry.indexed_documents import System
from lgsp_gateway.registry.snapshot import RegistrySnapshot

SERVICES, SYSTEMS, GRANTS = 400, 40, 3_000
PAGE = 10


def large_registry() -> RegistrySnapshot:
    registry = RegistrySnapshot()
    revision = 0

    def put(kind: str, name: str, spec: dict[str, Any]) -> None:
        nonlocal revision
        revision += 1
        registry.apply(DocumentVersion.of(kind, DocumentName(name), spec, revision, 0, "test", ""))

    for number in range(4):
        put("Agency", f"H49.{number + 1}", {"title": TEXT})
    put("System", "root", {"agency": "H49.1", "title": TEXT, "roles": ["operator"]})
    put("System", "admin", {"agency": "H49.1", "title": TEXT, "roles": ["agency-admin"]})
    for number in range(SYSTEMS):
        put("System", f"sys-{number:02}", {"agency": f"H49.{number % 4 + 1}", "title": TEXT})
    for number in range(SERVICES):
        contract = {**CONTRACTS[0], "service": f"svc-{number:03}", "provider": f"sys-{number % SYSTEMS:02}"}
        put("Service", service_name(f"svc-{number:03}", 1), {"contract": {**contract, "listed": number % 2 == 0}})
    for number in range(GRANTS):
        given = grant("x", f"sys-{number % SYSTEMS:02}", f"svc-{number % SERVICES:03}", read=["*"])
        put("Grant", f"grant-{number:04}", given["spec"])
    return registry


def make_unreadable(registry: RegistrySnapshot, but: tuple[str, list[str]] = ("", [])) -> None:
    """Leave of the documents only those that a request is to show."""
    kind, names = but
    for of in KINDS:
        for name, version in registry.versions[of].items():
            if of != kind or name not in names:
                registry.versions[of][name] = DocumentVersion(of, name, version.revision, b"")


class Asked:
    """A gateway's application with a large registry, served over HTTP."""

    def __init__(self, registry: RegistrySnapshot, session: aiohttp.ClientSession, tokens: dict[str, str]) -> None:
        self.registry = registry
        self.session = session
        self.tokens = tokens

    async def get(self, path: str, system: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[system]}"} if system else {}
        async with self.session.get(path, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await (answer.json() if "json" in answer.content_type else answer.text())


@pytest_asyncio.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    registry = large_registry()
    runner = web.AppRunner(unconnected.application(tmp_path, registry))
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    tokens = {name: unconnected.token(KeyStore(tmp_path), name) for name in ("root", "admin", "sys-01")}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield Asked(registry, session, tokens)
    await runner.cleanup()


async def test_a_page_of_grants_parses_itself_alone(asked: Asked) -> None:
    page = [f"grant-{number:04}" for number in range(100, 100 + PAGE)]
    make_unreadable(asked.registry, ("Grant", page))
    cursor = "Z3JhbnQtMDA5OQ=="  # grant-0099
    found = await asked.get(f"/registry/grants?limit={PAGE}&cursor={cursor}", "root")
    assert [item["metadata"]["name"] for item in found["items"]] == page
    assert found["next"]


async def test_grants_are_looked_for_without_parsing(asked: Asked) -> None:
    of_both = [f"grant-{number:04}" for number in range(7, GRANTS, SERVICES)]
    make_unreadable(asked.registry, ("Grant", of_both))
    for filtered in ("consumer=sys-07&service=svc-007", "service=svc-007"):
        found = await asked.get(f"/registry/grants?{filtered}", "root")
        assert [item["metadata"]["name"] for item in found["items"]] == of_both
    assert (await asked.get("/registry/grants?consumer=sys-07&service=svc-008", "root"))["items"] == []
    assert (await asked.get("/registry/grants?consumer=nobody&limit=1000", "root"))["items"] == []
    assert (await asked.get("/registry/grants?expiringWithin=30", "root"))["items"] == []


async def test_what_is_not_one_s_own_is_passed_over_without_parsing(asked: Asked) -> None:
    own = [f"grant-{number:04}" for number in range(GRANTS) if number % 4 == 0]
    make_unreadable(asked.registry, ("Grant", own))
    found = await asked.get("/registry/grants?limit=1000", "admin")
    assert [item["metadata"]["name"] for item in found["items"]] == own


async def test_a_list_of_services_compiles_no_contract(asked: Asked) -> None:
    found = await asked.get(f"/catalog/services?limit={PAGE}", "sys-01")
    listed = [name for name in range(SERVICES) if name % 2 == 0 or name % SYSTEMS == 1]
    assert [item["service"] for item in found["items"]] == [f"svc-{number:03}" for number in listed[:PAGE]]
    seen, following = PAGE, found["next"]
    async with asyncio.timeout(20):
        while following:
            found = await asked.get(f"/catalog/services?limit=100&cursor={following}", "sys-01")
            seen, following = seen + len(found["items"]), found.get("next")
    assert seen == len(listed)
    assert asked.registry.contracts.compilations == 0


async def test_a_catalogue_page_parses_what_it_shows_and_compiles_nothing(asked: Asked) -> None:
    make_unreadable(asked.registry, ("Service", ["svc-042-v1"]))
    text = await asked.get("/catalog?q=svc-042%20TH%E1%BB%AC")
    assert "/catalog/services/svc-042/v1" in text
    assert "svc-044" not in text
    assert asked.registry.contracts.compilations == 0


async def test_a_page_is_bounded_by_bytes_too(asked: Asked) -> None:
    number = asked.registry.revision
    big = {**CONTRACTS[0], "description": {"vi": "x" * 450_000, "en": "x"}}
    for name in ("aaa", "aab", "aac", "aad"):
        number += 1
        spec = {"contract": {**big, "service": name}}
        asked.registry.apply(DocumentVersion.of("Service", service_name(name, 1), spec, number, 0, "test", ""))
    found = await asked.get("/registry/services?limit=1000", "root")
    assert [item["metadata"]["name"] for item in found["items"]] == ["aaa-v1", "aab-v1"]
    assert "next" in found


async def test_others_have_their_turn_while_all_documents_are_looked_at() -> None:
    registry = large_registry()
    turns, stranger = 0, System("x", "H49.9", registry.systems["root"].title, frozenset({"developer"}), None)  # type: ignore[arg-type]

    async def count() -> None:
        nonlocal turns
        async with asyncio.timeout(20):
            while True:
                await asyncio.sleep(0)
                turns += 1

    others = asyncio.create_task(count())
    page = await read_page(registry, stranger, "Grant", Wanted({}), "", 100)
    others.cancel()
    assert page.versions == []
    assert turns >= GRANTS // SEEN_AT_A_TURN - 1


def test_what_refers_to_a_document_is_found_without_parsing() -> None:
    registry = large_registry()
    make_unreadable(registry)
    assert references.referring_document("Agency", "H49.4", registry) == "System sys-03"
    assert references.referring_document("System", "sys-05", registry) == "Service svc-005-v1"
    assert references.referring_document("Service", "svc-399-v1", registry) == "Grant grant-0399"
    assert references.open_grant_of("sys-39", registry) == "grant-0039"
    assert references.approved_for_less("svc-000", 1, {"read"}, registry) == ""
