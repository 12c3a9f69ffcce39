"""Composes a picture of the flows from their counts and from the registry, a little at a time, so that calls do not wait."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from lgsp_contracts.summary import ContractSummary
from lgsp_gateway.evidence.search.flow_counts import (
    Clause,
    FlowCounts,
    LatencyCell,
    Parties,
    TrafficPoint,
    WindowBounds,
)
from lgsp_gateway.evidence.search.models import TRAFFIC_KINDS
from lgsp_gateway.observability.flows.figures import figures_of
from lgsp_gateway.observability.flows.grouping import Ends, chosen_group, ends_of
from lgsp_gateway.observability.flows.picture import Document, Picture
from lgsp_gateway.observability.flows.question import Question
from lgsp_gateway.registry.documents import service_and_major
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Text
from lgsp_runtime.pacing import Pace

FLOWS_PER_TURN = 100
"""Before other tasks of the event loop run: less than a millisecond."""


class Selection:
    """The flows that fulfil the conditions of a question, put together as it asks."""

    def __init__(self, question: Question, clauses: list[Clause], within: WindowBounds) -> None:
        self.question = question
        self.clauses = clauses
        self.within = within
        self.group = ""
        self.flows: dict[Ends, FlowCounts] = {}
        self.total = FlowCounts()
        self.by_kind = {kind: FlowCounts() for kind in TRAFFIC_KINDS}
        self.by_service: dict[str, FlowCounts] = {}

    def add(self, ends: Ends, service: str, counts: FlowCounts) -> None:
        """Add a flow to those that it is part of."""
        parts = (
            self.flows.setdefault(ends, FlowCounts()),
            self.total,
            self.by_kind.setdefault(ends.kind, FlowCounts()),
            self.by_service.setdefault(service, FlowCounts()),
        )
        for part in parts:
            part.add(counts)

    def services(self, count: int) -> list[str]:
        """Return the services with the most calls; those whose name nobody knows are left out."""
        ordered = sorted(self.by_service, key=lambda service: (-self.by_service[service].calls, service))
        return [service for service in ordered if service][:count]


async def select_flows(
    question: Question, flows: Mapping[Parties, FlowCounts], within: WindowBounds, registry: RegistrySnapshot
) -> Selection:
    """Select and put together the flows that a question asks for."""
    titles = await service_titles(registry, {flow.service for flow in flows}) if question.words else {}
    selection = Selection(question, question.clauses(registry, titles, flows), within)
    selected, pace = [], Pace(FLOWS_PER_TURN)
    for flow in flows:
        selected += [flow] if flow.fulfils(selection.clauses) else []
        await pace.spend()
    selection.group = chosen_group(question.group, selected)
    for flow in selected:
        selection.add(ends_of(flow, selection.group, registry.systems), flow.service, flows[flow])
        await pace.spend()
    return selection


async def compose_picture(
    selection: Selection,
    series: list[TrafficPoint],
    latency: Iterable[LatencyCell],
    registry: RegistrySnapshot,
    stale_since: str,
) -> Picture:
    """Compose the picture of selected flows.

    Args:
        stale_since: since when the index lacks evidence (RFC 3339); empty where it lacks none.
    """
    seconds, question = selection.within.seconds, selection.question
    items, pace = [], Pace(FLOWS_PER_TURN)
    for ends, counts in selection.flows.items():
        items.append(_item(ends, counts, seconds))
        await pace.spend()
    listed = [item for item in items if not question.unwell or item["state"] != "healthy"]
    listed.sort(key=lambda item: (item["state"] == "healthy", -item["calls"], item["id"]))
    listed = listed[: question.top]
    cells = {(cell.service, cell.began): cell for cell in latency}
    head = {
        "time": round(selection.within.now, 3),
        "window": question.window,
        "staleSince": stale_since,
        "first": selection.within.first,
        "span": selection.within.span,
        "group": selection.group,
        "total": figures_of(selection.total, seconds),
        "kinds": {kind: figures_of(counts, seconds) for kind, counts in selection.by_kind.items()},
        "unwell": sum(item["state"] != "healthy" for item in items),
        "leftOut": {
            "flows": len(items) - len(listed),
            "calls": selection.total.calls - sum(item["calls"] for item in listed),
        },
    }
    names = await _names(listed, {service for service, _ in cells}, registry)
    return Picture(head, {item["id"]: item for item in listed}, names, tuple(series), cells)


def _item(ends: Ends, counts: FlowCounts, seconds: float) -> Document:
    return {
        "id": ends.identifier,
        "consumerAgency": ends.consumer_agency,
        "consumer": ends.consumer,
        "service": ends.service,
        "operation": ends.operation,
        "provider": ends.provider,
        "providerAgency": ends.provider_agency,
        "kind": ends.kind,
        **figures_of(counts, seconds),
    }


async def _names(
    items: Iterable[Document], services: Collection[str], registry: RegistrySnapshot
) -> dict[str, dict[str, Document]]:
    systems, agencies, services = set(), set(), set(services)
    for item in items:
        systems |= {item["consumer"], item["provider"]}
        agencies |= {item["consumerAgency"], item["providerAgency"]}
        services.add(item["service"])
    titles = await service_titles(registry, services)
    return {
        "agencies": {name: _title(registry.agencies[name]) for name in agencies if name in registry.agencies},
        "systems": {
            name: {**_title(registry.systems[name].title), "agency": registry.systems[name].agency}
            for name in systems
            if name in registry.systems
        },
        "services": {name: _title(title) for name, title in titles.items()},
    }


def _title(text: Text) -> dict[str, Any]:
    return {"vi": text.vi, "en": text.en}


def newest_summary(registry: RegistrySnapshot, service: str) -> ContractSummary | None:
    """Return the summary of the newest version in force of a service; None where there is none."""
    documents = [name for name in registry.services.documents_of(service) if name in registry.services]
    return registry.summary(*max(map(service_and_major, documents))) if documents else None


async def service_titles(registry: RegistrySnapshot, services: Iterable[str]) -> dict[str, Text]:
    """Return the titles of services, of the newest version in force; none for a service without one."""
    titles = {}
    for service in sorted(services):
        if summary := newest_summary(registry, service):
            titles[service] = summary.title
        await asyncio.sleep(0)  # reading a contract may take a millisecond
    return titles
