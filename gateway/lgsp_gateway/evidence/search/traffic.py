"""Flows: which system calls which operation, how often, with what success and how fast.

They are counted from the evidence, so that they include the calls of all gateways.
"""

import math
from collections import defaultdict

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lgsp_gateway.evidence.search import schema
from lgsp_gateway.evidence.search.decode import duration_of
from lgsp_gateway.evidence.search.dictionary import NameDictionary
from lgsp_gateway.evidence.search.models import FLOW_PARTIES, WINDOWS, Flow

QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


async def read(connection: AsyncConnection, names: NameDictionary, window: str, now: float) -> list[Flow]:
    """List the flows of a window, those with the most calls first.

    Args:
        window: a key of `models.WINDOWS`.
        now: seconds since 1970.
    """
    seconds, span = WINDOWS[window]
    flows = schema.flows.c
    began = int(now) - seconds - int(now) % span
    parties = [flows[name] for name in FLOW_PARTIES]
    query = (
        select(*parties, flows.ending, flows.duration, func.sum(flows.calls))
        .where(flows.span == span, flows.began > began)
        .group_by(*parties, flows.ending, flows.duration)
    )
    counted: dict[tuple[int, ...], list[tuple[int, int, int]]] = defaultdict(list)
    for *key, ending, duration, calls in await connection.execute(query):
        counted[tuple(key)].append((ending, duration, int(calls)))
    names_by_number = await names.names(connection, {number for key in counted for number in key})
    covered_seconds = now - (began + span)
    flows_by_parties = [
        _summarise_flow([names_by_number[number] for number in key], ends, covered_seconds)
        for key, ends in counted.items()
    ]
    return sorted(flows_by_parties, key=lambda flow: -flow.calls)


def _summarise_flow(parties: list[str], ends: list[tuple[int, int, int]], seconds: float) -> Flow:
    calls = sum(number for _, _, number in ends)
    refused = sum(number for ending, _, number in ends if ending == 4)
    failed = sum(number for ending, _, number in ends if ending == 5)
    durations = sorted((duration, number) for _, duration, number in ends)
    quantiles = {name: _quantile_of_durations(durations, calls, share) for name, share in QUANTILES.items()}
    consumer, provider, service, operation = parties
    return Flow(
        consumer=consumer,
        provider=provider,
        service=service,
        operation=operation,
        calls=calls,
        per_second=round(calls / seconds, 3),
        refused=round(refused / calls, 4),
        failed=round(failed / calls, 4),
        quantiles=quantiles,
    )


def _quantile_of_durations(durations: list[tuple[int, int]], calls: int, share: float) -> float:
    remaining = math.ceil(calls * share)
    for duration, number in durations:
        remaining -= number
        if remaining <= 0:
            return round(duration_of(duration), 2)
    return 0.0
