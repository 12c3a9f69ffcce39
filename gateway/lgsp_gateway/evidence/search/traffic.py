"""Flows: which system calls which operation, how often, with what success and how fast.

They are counted from the evidence, so that they include the calls of all gateways.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, case, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lgsp_gateway.evidence.search import schema
from lgsp_gateway.evidence.search.dictionary import NameDictionary
from lgsp_gateway.evidence.search.durations import duration_of
from lgsp_gateway.evidence.search.flow_counts import (
    FAILED,
    REFUSED,
    Clause,
    FlowCounts,
    LatencyCell,
    Parties,
    TrafficPoint,
    WindowBounds,
)

_FLOWS = schema.flows.c
_CALLS = func.sum(_FLOWS.calls)
_ROWS_AT_ONCE = 500
"""Read before the event loop may do something else: about a millisecond."""


async def read(connection: AsyncConnection, names: NameDictionary, within: WindowBounds) -> dict[Parties, FlowCounts]:
    """Return the counts of each flow of a window."""
    parties = [_FLOWS[name] for name in Parties._fields]
    query = select(*parties, _FLOWS.ending, _FLOWS.duration, _CALLS).group_by(*parties, _FLOWS.ending, _FLOWS.duration)
    by_numbers: dict[tuple[int, ...], FlowCounts] = {}
    async with connection.stream(_within(query, within)) as rows:
        async for partition in rows.partitions(_ROWS_AT_ONCE):
            for *key, ending, duration, calls in partition:
                by_numbers.setdefault(tuple(key), FlowCounts()).count(ending, duration, int(calls))
    names_by_number = await names.names(connection, {number for key in by_numbers for number in key})
    return {Parties(*(names_by_number[number] for number in key)): counts for key, counts in by_numbers.items()}


async def over_time(
    connection: AsyncConnection, names: NameDictionary, within: WindowBounds, clauses: Iterable[Clause]
) -> list[TrafficPoint]:
    """Return what passed in each span of a window, of the flows that fulfil these conditions; spans without traffic are left out."""
    query = select(_FLOWS.began, _CALLS, _calls_that_ended(REFUSED), _calls_that_ended(FAILED)).group_by(_FLOWS.began)
    query = _within(query, within).where(*await _conditions(connection, names, clauses)).order_by(_FLOWS.began)
    return [TrafficPoint(*map(int, row)) for row in await connection.execute(query)]


async def latency(
    connection: AsyncConnection,
    names: NameDictionary,
    within: WindowBounds,
    services: Sequence[str],
    clauses: Iterable[Clause],
) -> list[LatencyCell]:
    """Return how fast some services were in each span of a window, in the flows that fulfil these conditions."""
    conditions = await _conditions(connection, names, [*clauses, {"service": frozenset(services)}])
    by_class = (
        _within(
            select(
                *(_FLOWS.service, _FLOWS.began, _FLOWS.duration),
                _CALLS.label("calls"),
                _calls_that_ended(FAILED).label("failed"),
            ),
            within,
        )
        .where(*conditions)
        .group_by(_FLOWS.service, _FLOWS.began, _FLOWS.duration)
        .subquery()
    )
    cell = (by_class.c.service, by_class.c.began)
    summed = select(
        *(*cell, by_class.c.duration),
        func.sum(by_class.c.calls).over(partition_by=cell, order_by=by_class.c.duration).label("until"),
        func.sum(by_class.c.calls).over(partition_by=cell).label("calls"),
        func.sum(by_class.c.failed).over(partition_by=cell).label("failed"),
    ).subquery()
    key = (summed.c.service, summed.c.began)
    query = (
        select(*key, func.max(summed.c.calls), func.max(summed.c.failed), func.min(summed.c.duration))
        .where(summed.c.until * 100 >= summed.c.calls * 95)
        .group_by(*key)
        .order_by(*key)
    )
    rows = (await connection.execute(query)).all()
    names_by_number = await names.names(connection, {row[0] for row in rows})
    return [
        LatencyCell(names_by_number[service], int(began), int(calls), int(failed), round(duration_of(duration), 2))
        for service, began, calls, failed, duration in rows
    ]


def _within(query: Select[Any], within: WindowBounds) -> Select[Any]:
    return query.where(_FLOWS.span == within.span, _FLOWS.began >= within.first)


def _calls_that_ended(ending: int) -> ColumnElement[int]:
    return func.sum(case((_FLOWS.ending == ending, _FLOWS.calls), else_=0))


async def _conditions(
    connection: AsyncConnection, names: NameDictionary, clauses: Iterable[Clause]
) -> list[ColumnElement[bool]]:
    conditions = []
    for clause in clauses:
        alternatives: list[ColumnElement[bool]] = [false()]
        for column, allowed in clause.items():
            alternatives.append(_FLOWS[column].in_(await names.numbers(connection, allowed)))
        conditions.append(or_(*alternatives))
    return conditions
