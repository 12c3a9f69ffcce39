"""The life of a contract: steps, who makes them, what a new version may not do, what callers are told."""

import asyncio
import copy
import datetime
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from support.workbench import CONTRACTS, Got, Workbench, document, grant

from lgsp_gateway.registry.lifecycle.contracts import NOTICE_DAYS, TRANSITIONS
from lgsp_gateway.registry.lifecycle.transitions import ABSENT

PHASES = ("draft", "submitted", "published", "deprecated", "retired")
STEP_TO = dict(zip(PHASES, ("draft", "submit", "publish", "deprecate", "retire"), strict=True))
PAST = {"since": "2026-01-01", "sunset": "2026-06-30"}
FUTURE = {"since": "2026-01-01", "sunset": "2040-06-30"}


def contract(**changed: Any) -> dict[str, Any]:
    return {**copy.deepcopy(CONTRACTS[0]), "service": "living", **changed}


class Service:
    """The service `living`, changed by whoever a test says."""

    def __init__(self, bus: Workbench) -> None:
        self.bus = bus

    async def put(self, phase: str, system: str = "operator", **spec: Any) -> Got:
        spec = {"contract": contract(), "phase": phase, **spec}
        if phase in ("deprecated", "retired"):
            spec.setdefault("deprecation", PAST if system == "operator" else FUTURE)
        last = await self.bus.registry("GET", "services/living-v1")
        condition = {"If-Match": last.headers["ETag"]} if last.status == 200 else {"If-None-Match": "*"}
        sent = document("Service", "living-v1", **spec)
        return await self.bus.registry("PUT", "services/living-v1", sent, system=system, headers=condition)

    async def bring_to(self, phase: str) -> None:
        await self.remove()
        way = ["published", "deprecated", "retired"] if phase == "retired" else [phase]
        for step in ["published", "deprecated"] if phase == "deprecated" else way:
            got = await self.put(step)
            assert got.status in (200, 201), got.body

    async def remove(self) -> None:
        for path in ("grants/living", "services/living-v1"):
            last = await self.bus.registry("GET", path)
            if last.status == 200:
                tag = {"If-Match": last.headers["ETag"]}
                assert (await self.bus.registry("DELETE", path, headers=tag)).status == 204


@pytest_asyncio.fixture
async def living(bus: Workbench) -> AsyncIterator[Service]:
    service = Service(bus)
    await service.remove()
    yield service
    await service.remove()


@pytest.mark.parametrize("old", [None, *PHASES])
@pytest.mark.parametrize("new", PHASES)
async def test_step(living: Service, old: Any, new: Any) -> None:
    for system in ("operator", "integrator"):
        await (living.bring_to(old) if old else living.remove())
        got = await living.put(new, system)
        followers = TRANSITIONS.next_phases(old or ABSENT, STEP_TO[new])
        if old == new or followers.get("operator" if system == "operator" else "owner"):
            assert got.status in (200, 201), got.body
        else:
            assert got.code == ("not-granted" if followers else "step-not-allowed")


async def test_only_what_is_in_force_is_called_and_callers_are_warned(bus: Workbench, living: Service) -> None:
    await living.put("draft")
    assert (await bus.call(service="living")).code == "unknown-service"
    granted = await bus.registry("POST", "grants", grant("living", "alpha", "living", read=["*"]))
    assert granted.code == "invalid-document"
    await living.put("published")
    assert (await bus.registry("POST", "grants", grant("living", "alpha", "living", read=["*"]))).status == 201
    assert (await bus.call(service="living")).code == "no-adapter"
    await living.put("deprecated", deprecation=FUTURE)
    headers = {"Authorization": f"Bearer {bus.token('alpha')}"}
    async with bus.session.get("/catalog/services", headers=headers) as answer:
        notices = {item["service"]: item["notice"] for item in (await answer.json())["items"]}
    midnight = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=7)))
    assert notices["living"] == {
        "Deprecation": f"@{int(midnight.timestamp())}",
        "Sunset": "Sat, 30 Jun 2040 17:00:00 GMT",
    }
    assert notices["desk"] == {}
    early = await living.put("retired", "integrator", deprecation=FUTURE)
    assert early.code == "step-not-allowed"
    assert "promised until 2040-06-30" in early.json["detail"]
    assert (await living.put("retired", deprecation=FUTURE)).status == 200
    assert (await bus.call(service="living")).code == "unknown-service"


async def test_an_owner_gives_notice_and_keeps_to_it(living: Service) -> None:
    def ending(sunset: object) -> dict[str, str]:
        return {"since": "2026-01-01", "sunset": str(sunset)}

    today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=7))).date()
    await living.put("published")
    for soon in (PAST, ending(today), ending(today + datetime.timedelta(days=NOTICE_DAYS - 1))):
        got = await living.put("deprecated", "integrator", deprecation=soon)
        assert (got.status, got.code) == (409, "step-not-allowed"), soon
        assert "at least 30 days ahead" in got.json["detail"]
    assert (await living.put("deprecated", "integrator", deprecation=FUTURE)).status == 200
    for sooner in (PAST, ending("2040-06-29")):
        assert (await living.put("deprecated", "integrator", deprecation=sooner)).code == "step-not-allowed"
        assert (await living.put("retired", "integrator", deprecation=sooner)).code == "step-not-allowed"
    assert (await living.put("deprecated", "integrator", deprecation=ending("2041-01-01"))).status == 200
    assert (await living.put("published", "integrator")).status == 200
    assert (await living.put("deprecated", "integrator", deprecation=PAST)).code == "step-not-allowed"
    assert (await living.put("deprecated", "operator", deprecation=PAST)).status == 200
    assert (await living.put("retired", "integrator", deprecation=PAST)).status == 200


async def test_a_minor_version_that_breaks_the_last_is_refused_in_words(living: Service) -> None:
    await living.put("published")
    narrower = contract(version="1.1.0")
    narrower["operations"]["read"]["request"]["properties"]["hoVaTen"]["maxLength"] = 5
    got = await living.put("published", contract=narrower)
    assert (got.status, got.code) == (422, "contract-incompatible")
    assert "/operations/read/request/properties/hoVaTen/maxLength" in got.json["detail"]
    assert got.json["errors"][0]["message"] == "maxLength is lower"
    wider = contract(version="1.1.0")
    wider["operations"]["read"]["request"]["properties"]["hoVaTen"]["maxLength"] = 500
    assert (await living.put("published", "integrator", contract=wider)).code == "not-granted"
    assert (await living.put("published", contract=wider)).status == 200
    assert (await living.put("published", contract=contract(version="1.0.9"))).code == "contract-incompatible"


async def test_two_majors_live_side_by_side(bus: Workbench, living: Service) -> None:
    await living.put("published")
    second = document("Service", "living-v2", contract=contract(version="2.0.0"))
    created = await bus.registry("POST", "services", second)
    assert created.status == 201
    async with bus.session.get(
        "/catalog/services", headers={"Authorization": f"Bearer {bus.token('alpha')}"}
    ) as answer:
        versions = [item["version"] for item in (await answer.json())["items"] if item["service"] == "living"]
    assert versions == ["1.0.0", "2.0.0"]
    tag = {"If-Match": created.headers["ETag"]}
    assert (await bus.registry("DELETE", "services/living-v2", headers=tag)).status == 204


async def test_classifications(living: Service) -> None:
    assert (await living.put("draft", "integrator", contract=contract(classification="personal"))).status == 201
    lowered = await living.put("draft", "integrator", contract=contract(classification="internal"))
    assert lowered.code == "not-granted"
    assert "lower a classification" in lowered.json["detail"]
    secret = await living.put("draft", "integrator", contract=contract(classification="secret"))
    assert secret.code == "invalid-document"
    assert "secret" in secret.json["detail"]
    assert (await living.put("draft", contract=contract(classification="internal"))).status == 200


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"anyOf": [schema, {"type": "null"}]}
    return schema


HOSTILE = {
    "remote $ref": ({"$ref": "https://elsewhere/x"}, 422, "$ref may only point inside"),
    "lookahead": ({"type": "object", "properties": {"a": {"pattern": "(?=a)*b"}}}, 422, "not a valid JSON Schema"),
    "twenty-five nested anyOf": (nested(25), 422, "nested deeper than 48 levels"),
    "a hundred nested anyOf": (nested(100), 400, "nested deeper than 64 levels"),
    "five megabytes": ({"enum": ["x" * 5_000_000]}, 413, "larger than 1024 KiB"),
    "too many parts": (
        {"properties": {f"f{n}": {"type": ["string"]} for n in range(15_000)}},
        413,
        "more than 20000 parts",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_contract_is_refused_at_submission(living: Service, kind: str) -> None:
    schema, status, words = HOSTILE[kind]
    hostile = contract()
    hostile["operations"]["read"]["request"] = schema
    async with asyncio.timeout(20):  # it ends: a second on a quiet machine
        got = await living.put("submitted", "integrator", contract=hostile)
    assert got.status == status
    assert words in got.json["detail"]


async def test_a_contract_that_validators_understand_differently_is_kept_as_a_draft_and_not_published(
    living: Service,
) -> None:
    ambiguous = contract()
    field = {"type": "string", "pattern": r"^\d{12}$"}
    ambiguous["operations"]["read"]["request"]["properties"]["soDinhDanh"] = field
    assert (await living.put("draft", contract=ambiguous)).status == 201
    got = await living.put("published", contract=ambiguous)
    assert (got.status, got.code) == (422, "contract-ambiguous")
    place = "/spec/contract/operations/read/request/properties/soDinhDanh/pattern"
    assert place in got.json["detail"]
    assert got.json["errors"][0]["pointer"] == "/soDinhDanh"
    field["pattern"] = "^[0-9]{12}$"
    assert (await living.put("published", contract=ambiguous)).status == 200
