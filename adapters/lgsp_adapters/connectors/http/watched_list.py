"""A list of the connector `http` that is watched for an event: what a system has since a time, or what waits to be fetched.

    events:
      dossier-received:
        path: /ho-so
        query: {tuNgay: watermark}
        items: answer.data
        watermark: item.capNhat
        start: '2026-11-01T00:00:00+07:00'
        id: item.maHoSo
        data: {maHoSo: item.maHoSo}
        received: {path: '/ho-so/{item.maHoSo}/updateStatus', body: {trangThai: "'DA_NHAN'"}}

`received` is sent when the bus has the event on disk, and again when it is unknown whether it arrived. A system that then no longer lists the item
needs no watermark.
"""

import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import cmp_to_key, partial
from typing import Any

from lgsp_adapters.adapter import Call, Document, UpstreamFailed
from lgsp_adapters.connectors.event_mapping import EventMapping, overlap, poll_seconds
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.mapping.expressions import Scope, Template, drop_absent
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.variables import request_scope
from lgsp_adapters.upstream.http_adapter import HttpOperation
from lgsp_adapters.watching import positions
from lgsp_adapters.watching.positions import Position, UnusableWatermarkError
from lgsp_adapters.watching.source import EventSource, Occurrence, Read
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.wire import Context

ITEM_VARIABLES = ("connection", "item")
READ_SECONDS = 60.0
RECEIVED_SECONDS = 30.0

CarryOut = Callable[[HttpOperation, Scope, Call], Awaitable[Document]]
"""Sends the request of an operation under the session of the moment, and reads its answer."""
MakeOperation = Callable[[Mapping[str, Any], SourceLocation, tuple[str, ...]], HttpOperation]
"""Makes an operation of a part of the manifest whose expressions have these further variables."""


class WatchedList(EventSource):
    """The items of one event.

    Raises:
        Refusal: `invalid-document`, with the line and how to correct it.
    """

    def __init__(
        self,
        name: str,
        document: Mapping[str, Any],
        location: SourceLocation,
        contract: Contract,
        connection: Mapping[str, Any],
        make_operation: MakeOperation,
    ) -> None:
        items = "items" if "pages" in document else document.get("items")
        if items is None:
            raise location.refusal(
                "thiếu items: biểu thức cho danh sách trong câu trả lời, hoặc pages",
                "items is missing: an expression for the list in the answer, or pages",
            )
        if ("watermark" in document) != ("start" in document):
            raise location.refusal(
                "watermark và start phải đi cùng nhau; hãy nêu cả hai hoặc bỏ cả hai",
                "watermark and start go together; name both or neither",
            )
        self._list = make_operation({**document, "answer": {"items": items}}, location, ("watermark",))
        received = document.get("received")
        self._received = received and make_operation({**received, "answer": {}}, location / "received", ("item",))
        self._mapping = EventMapping(name, document, location, contract, ITEM_VARIABLES)
        self._watermark = Template(document.get("watermark"), location / "watermark", ITEM_VARIABLES)
        self.start: Position | None = document.get("start")
        self.overlap = overlap(document)
        self._poll = poll_seconds(document)
        self._system = contract.provider
        self._version = contract.version
        self._connection = connection
        self._carry_out: CarryOut | None = None
        self._executor: MappingExecutor | None = None

    def open(self, carry_out: CarryOut, executor: MappingExecutor) -> None:
        """Read over an open adapter from now on."""
        self._carry_out, self._executor = carry_out, executor

    @property
    def poll_seconds(self) -> float:
        """Return how long after one look the next begins."""
        return self._poll

    async def read(self, position: Position | None) -> Read:
        """Read the items behind a position, all pages of them.

        Raises:
            AdapterError: the system gives no usable list.
        """
        assert self._carry_out is not None
        assert self._executor is not None
        call = self._call(READ_SECONDS)
        scope = {**request_scope(self._connection, {}, call), "watermark": position}
        answer = await self._carry_out(self._list, scope, call)
        items = answer.get("items", [])
        if not isinstance(items, list):
            raise UpstreamFailed("unintelligible", "the items are not a list; write several(…)")
        return Read(await self._executor.run(partial(self._occurrences, items, position)))

    async def acknowledge(self, occurrence: Occurrence) -> None:
        """Tell the system that an item was received, where the manifest says how.

        Raises:
            AdapterError: the system does not take it.
        """
        if not self._received:
            return
        assert self._carry_out is not None
        call = self._call(RECEIVED_SECONDS)
        await self._carry_out(
            self._received, {**request_scope(self._connection, {}, call), "item": occurrence.row}, call
        )

    async def settled(self, ids: Collection[str]) -> None:
        """Do nothing: the state of the watch says what was received."""

    def _occurrences(self, items: list[Any], since: Position | None) -> list[Occurrence]:
        found = []
        for item in map(drop_absent, items):
            scope = {"connection": self._connection, "item": item}
            position, fault = self._position_of(scope, since)
            found.append(self._mapping.occurrence(scope, position, item, fault=fault))
        return sorted(found, key=cmp_to_key(_compare))

    def _position_of(self, scope: Scope, since: Position | None) -> tuple[Position | None, str]:
        """Return the position of an item, and what is wrong with it: an item without one is held, and keeps no other back."""
        if self._watermark.empty or since is None:
            return None, ""
        try:
            return positions.comparable_position(self._watermark(scope), since), ""
        except UnusableWatermarkError as unusable:
            return None, f"{self._watermark.location}: {unusable}"
        except MappingError as unmappable:
            return None, str(unmappable)

    def _call(self, seconds: float) -> Call:
        trace = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
        deadline = int((time.time() + seconds) * 1000)
        return Call(Context("", self._system, "", "", self._version, deadline, trace), longest=seconds)


def _compare(one: Occurrence, other: Occurrence) -> int:
    """Order by position. What has none, though others have, comes first: it may be the oldest of its ordering key."""
    if one.position is None or other.position is None:
        return (one.position is not None) - (other.position is not None)
    return positions.is_before(other.position, one.position) - positions.is_before(one.position, other.position)
