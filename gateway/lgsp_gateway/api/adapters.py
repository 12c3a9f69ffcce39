"""`/ops/adapters`: the running instances of adapters, for those who run the bus and for the agencies that run the adapters; drain and resume.

An agency sees and drains the adapters of its own systems alone. As server-sent events the list comes after each round of discovery, so that many
who watch it cost no more questions to the adapters than one.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

from aiohttp import web
from nats.errors import Error as NatsError

from lgsp_auth.principal import OPERATOR, Principal
from lgsp_gateway.api import round_stream
from lgsp_gateway.api.evidence_stream import AUDITOR
from lgsp_gateway.api.schemas import TEXT, json_of
from lgsp_gateway.api.titles import titles_of
from lgsp_gateway.http import decoded_bodies, streaming
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.nats.adapter_drains import RUNNER_ROLES, AdapterDrains
from lgsp_gateway.nats.provider_limits import ProviderLimits
from lgsp_gateway.observability.adapter_discovery import AdapterDiscovery, AdapterInstance
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import NotFound, Refusal

_TAG = "operations"
_ONE = "/ops/adapters/{instance}"
INSTANCE = text_parameter(
    "instance",
    "the id of the instance; `SYSTEM.ID` where instances of several systems have this id",
    max_length=128,
    pattern=r"^([a-z0-9-]+\.)?[A-Za-z0-9_-]{1,64}$",
    location="path",
)

LIST = Route(
    "GET",
    "/ops/adapters",
    "listAdapters",
    "List the adapters on the bus, for an agency those of its systems; as server-sent events, after each round of discovery (five seconds)",
    "token",
    {
        200: ResponseSpec(
            "The adapters; each event's `data` is an AdapterList",
            {**json_of("AdapterList"), streaming.EVENT_STREAM: TEXT},
        )
    },
    roles=(OPERATOR, AUDITOR, *RUNNER_ROLES),
    tag=_TAG,
)


def _decision_route(step: str, name: str, summary: str) -> Route:
    return Route(
        "POST",
        f"{_ONE}/{step}",
        name,
        summary,
        "token",
        {200: ResponseSpec("The instance", json_of("Adapter"))},
        roles=(OPERATOR, *RUNNER_ROLES),
        parameters=(INSTANCE,),
        body=json_of("AdapterDecision"),
        body_required=False,
        problems=("not-found", "malformed", "step-not-allowed", "revision-conflict"),
        tag=_TAG,
    )


DRAIN = _decision_route(
    "drain",
    "drainAdapter",
    "Give an instance no more calls; it finishes those that it has, and others take the new ones",
)
RESUME = _decision_route("resume", "resumeAdapter", "Give a drained instance calls again")


class AdapterRoutes:
    """The routes of adapters.

    Args:
        registry: knows the agencies of systems.
        stopping: set when the gateway stops; it ends the streams.
    """

    def __init__(
        self,
        callers: CallerAuthenticator,
        registry: RegistrySnapshot,
        adapters: AdapterDiscovery,
        drains: AdapterDrains,
        limits: ProviderLimits,
        stopping: asyncio.Event,
    ) -> None:
        self._callers = callers
        self._registry = registry
        self._adapters = adapters
        self._drains = drains
        self._limits = limits
        self._stopping = stopping

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, LIST, self._list)
        add_route(app, DRAIN, self._drain)
        add_route(app, RESUME, self._resume)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        caller = await self._callers.identify(request)
        document = partial(self._list_document, caller)
        if not round_stream.is_asked_for(request):
            await self._adapters.refresh()
            return json_response(await document())
        return await round_stream.stream_rounds(
            request, caller.name, document, self._adapters.next_round, self._stopping
        )

    async def _list_document(self, caller: Principal) -> dict[str, Any]:
        visible = list(self._visible(caller))
        usage = await self._usage(visible)
        items = [self._document(instance, usage) for instance in visible]
        codes = [[item[name] for item in items] for name in ("system", "agency", "service")]
        titles = await titles_of(self._registry, *codes)
        return {"time": round(self._adapters.updated_at, 3), "items": items, **titles}

    def _visible(self, caller: Principal) -> Iterable[AdapterInstance]:
        if caller.has_role(OPERATOR, AUDITOR):
            return self._adapters.instances
        return (one for one in self._adapters.instances if self._agency(one) == caller.agency)

    def _agency(self, instance: AdapterInstance) -> str:
        system = self._registry.systems.get(instance.system)
        return system.agency if system else ""

    async def _usage(self, instances: Iterable[AdapterInstance]) -> dict[tuple[str, str], dict[str, int]]:
        """Return what has been used of the providers' limits, as far as that can be read now."""
        limits = {
            (str(one.system), str(one.status["providerLimit"]["name"]))
            for one in instances
            if "providerLimit" in one.status
        }
        usage: dict[tuple[str, str], dict[str, int]] = {}
        with contextlib.suppress(NatsError, OSError, TimeoutError):
            for system, name in sorted(limits):
                usage[system, name] = (await self._limits.usage(system, name)).summary(int(time.time() * 1000))
        return usage

    def _document(
        self, instance: AdapterInstance, usage: dict[tuple[str, str], dict[str, int]] | None = None
    ) -> dict[str, Any]:
        drain = self._drains.of(instance)
        document = {
            **instance.document(),
            "agency": self._agency(instance),
            "state": self._state(instance),
            "drainable": instance.can_be_drained,
        }
        if drain:
            document["decisions"] = drain.document()["history"]
        limit = instance.status.get("providerLimit")
        used = (usage or {}).get((instance.system, limit["name"])) if limit else None
        if limit and used:
            document["instance"] = {**instance.status, "providerLimit": {**limit, "used": used}}
        return document

    def _state(self, instance: AdapterInstance) -> str:
        if not self._drains.is_drained(instance):
            return "serving" if not instance.reports_drained() else "resuming"
        is_busy = instance.status.get("working", 0) or instance.status.get("waiting", 0)
        return "drained" if instance.reports_drained() and not is_busy else "draining"

    async def _drain(self, request: web.Request) -> web.Response:
        return await self._decide(request, drain=True)

    async def _resume(self, request: web.Request) -> web.Response:
        return await self._decide(request, drain=False)

    async def _decide(self, request: web.Request, *, drain: bool) -> web.Response:
        caller, reason = await self._callers.identify(request), await _read_reason(request)
        instance = await self._find(caller, INSTANCE.read_from(request))
        confirmed = await self._drains.decide(caller, instance, self._agency(instance), reason, drain=drain)
        if confirmed:
            instance = self._adapters.update(instance, confirmed._asdict())
        self._drains.note(self._adapters.instances)
        return json_response(self._document(instance))

    async def _find(self, caller: Principal, name: str) -> AdapterInstance:
        """Return the instance that a path names.

        Raises:
            Refusal: `not-found`, also where the caller may not drain it; `malformed`, where several bear the id.
        """
        found = self._named(caller, name)
        if not found:  # it may have come a moment ago
            with contextlib.suppress(NatsError, OSError):
                await self._adapters.refresh()
            found = self._named(caller, name)
        if not found:
            raise NotFound(
                vi="Không có bộ kết nối này, hoặc nó không thuộc cơ quan của bạn; hãy xem danh sách ở /ops/adapters.",
                en="There is no such adapter, or it is not of your agency; see the list at /ops/adapters.",
            )
        if len(found) > 1:
            raise Refusal(
                "malformed",
                vi="Bộ kết nối của nhiều hệ thống có cùng mã này; hãy ghi HỆ-THỐNG.MÃ.",
                en="Adapters of several systems have this id; write SYSTEM.ID.",
            )
        return next(iter(found.values()))

    def _named(self, caller: Principal, name: str) -> dict[str, AdapterInstance]:
        visible = self._adapters.instances if caller.has_role(OPERATOR) else self._visible(caller)
        return {one.key: one for one in visible if name in (one.id, one.key)}


async def _read_reason(request: web.Request) -> str:
    body = await decoded_bodies.read_optional_json_object(request)
    reason = body.get("reason", "")
    if set(body) - {"reason"} or not isinstance(reason, str):
        raise Refusal(
            "malformed",
            vi="Nội dung chỉ gồm trường reason (văn bản); hãy sửa lại.",
            en="The body may have the member `reason`, a text; correct it.",
        )
    return reason
