"""Puts flows together: of operations to those of a service, of systems to those of their agencies. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lgsp_gateway.evidence.search.flow_counts import Parties
from lgsp_gateway.observability.flows.question import AGENCY, AUTOMATIC, OPERATION, READABLE_PARTIES, SERVICE
from lgsp_gateway.registry.indexed_documents import System


class Ends(NamedTuple):
    """Between whom a listed flow runs; what it is put together of is empty.

    Args:
        consumer_agency, provider_agency: codes of the agencies of the systems now; empty for systems that are not registered any more.
    """

    consumer_agency: str
    consumer: str
    service: str
    operation: str
    provider: str
    provider_agency: str
    kind: str

    @property
    def identifier(self) -> str:
        """Return a text that is different for each listed flow, and the same as long as it is listed."""
        return "|".join(self)


def chosen_group(group: str, flows: Iterable[Parties]) -> str:
    """Return how flows are put together, where that is left to the bus: by services as long as these can be read at a glance."""
    if group != AUTOMATIC:
        return group
    shown = {name for flow in flows for name in (flow.consumer, f"{flow.service}|", flow.provider)}
    return SERVICE if len(shown) <= READABLE_PARTIES else AGENCY


def ends_of(flow: Parties, group: str, systems: Mapping[str, System]) -> Ends:
    """Return which listed flow a flow is part of."""
    consumer_agency, provider_agency = (
        systems[name].agency if name in systems else "" for name in (flow.consumer, flow.provider)
    )
    if group == AGENCY:
        return Ends(consumer_agency, "", "", "", "", provider_agency, flow.kind)
    operation = flow.operation if group == OPERATION else ""
    return Ends(consumer_agency, flow.consumer, flow.service, operation, flow.provider, provider_agency, flow.kind)
