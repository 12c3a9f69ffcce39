"""What `lgsp doctor` says of adapters: watches that nobody looks after, and what adapters have set aside."""

import time
from typing import Any

from support.subscribing import BIRTHS, EVENT, SERVICE

from lgsp_contracts.names import ServiceName, SystemName
from lgsp_gateway.observability.adapter_checks import REST_SECONDS, AdapterChecks
from lgsp_gateway.observability.adapter_discovery import AdapterDiscovery, AdapterInstance
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Text


def watch(**changes: Any) -> dict[str, Any]:
    now = time.time()
    status = {"state": "watching", "published": 1, "changed": 0, "reason": "", "held": 0, "faults": []}
    return {**status, "lastEvent": now, "lastRead": now, "nextLook": now + 5, **changes}


class Adapters:
    """What one gateway knows of the adapters of a service."""

    def __init__(self) -> None:
        registry = RegistrySnapshot()
        spec = {"contract": BIRTHS, "phase": "published"}
        registry.apply(DocumentVersion.of("Service", f"{SERVICE}-v1", spec, 1, 0, "x", "", {}))
        self.discovery = AdapterDiscovery(registry)
        self._checks = AdapterChecks(registry, self.discovery).by_name()

    def are(self, *events: dict[str, Any], **operation: Any) -> None:
        self.discovery.instances = [
            AdapterInstance(
                "1",
                ServiceName(SERVICE),
                "1.0.0",
                SystemName("provider"),
                "",
                "1.2",
                {"read": operation},
                {EVENT: event},
                {},
            )
            for event in events
        ]

    async def problem(self, check: str) -> Text | None:
        return await self._checks[check]()


async def test_a_watch_that_does_not_look_when_it_should_shows() -> None:
    adapters = Adapters()
    past = time.time() - REST_SECONDS - 10
    adapters.are(watch(lastEvent=past, lastRead=past, nextLook=past))
    problem = await adapters.problem("watches at rest")
    assert problem is not None
    assert f"{SERVICE}/{EVENT}" in problem.en
    assert "lgsp adapter run" in problem.vi
    adapters.are(watch(lastEvent=past, lastRead=past, nextLook=past), watch(state="standby"))
    assert await adapters.problem("watches at rest") is None, "another copy goes on"


async def test_a_slow_watch_that_waits_for_its_time_is_not_at_rest() -> None:
    adapters = Adapters()
    past = time.time() - 3_000
    adapters.are(watch(lastEvent=past, lastRead=past, nextLook=time.time() + 600))
    assert await adapters.problem("watches at rest") is None


async def test_what_an_adapter_has_set_aside_shows_with_its_reason() -> None:
    adapters = Adapters()
    adapters.are(watch())
    assert await adapters.problem("set aside") is None
    adapters.are(watch(), setAside={"count": 3, "since": time.time(), "reason": "forbidden: it is refused"})
    problem = await adapters.problem("set aside")
    assert problem is not None
    assert f"{SERVICE} (3, " in problem.en
    assert "forbidden" in problem.vi


async def test_what_a_watch_holds_back_is_said_in_both_languages() -> None:
    adapters = Adapters()
    adapters.are(watch(held=2, faults=[{"fault": "/maHoSo: missing"}]))
    problem = await adapters.problem("watches")
    assert problem is not None
    assert f"{SERVICE}/{EVENT} (held: 2; /maHoSo: missing)" in problem.en
    assert f"{SERVICE}/{EVENT} (đang giữ lại: 2; /maHoSo: missing)" in problem.vi
