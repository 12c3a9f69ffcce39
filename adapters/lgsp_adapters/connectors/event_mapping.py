"""How a row of a watched system becomes an event of the contract, by the mapping of a manifest.

    events:
      birth-registered:
        id: row.id
        time: row.ngay_dang_ky
        data: {soDinhDanh: row.so_dinh_danh, hoTen: row.ho_ten}

The id of the event is made of what `id` yields: the same for the same row, other than that of every other event of the service, and without a
value of the row in it, since evidence and logs name it.
"""

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from lgsp_adapters.connectors.manifest_checks import field_faults
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.dates import VIETNAM
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.watching.positions import Position
from lgsp_adapters.watching.source import Occurrence
from lgsp_contracts import durations, whole_numbers
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal

EVENT_IDS = uuid.UUID("5f6b1d0e-8f55-4f0b-9b53-5c0f0d1f4c11")
POLL_SECONDS = 5.0


class EventMapping:
    """The mapping of one event.

    Args:
        document: with `id`, `data` and perhaps `time`.
        names: the variables of its expressions.

    Raises:
        Refusal: `invalid-document`, with the line and how to correct it.
    """

    def __init__(
        self,
        name: str,
        document: Mapping[str, Any],
        location: SourceLocation,
        contract: Contract,
        names: tuple[str, ...],
    ) -> None:
        event = contract.events[name]
        self._prefix = f"{contract.service}/v{contract.major}/{name}"
        self._schema = event.data
        self._whole = whole_numbers.whole_numbers(event.data.document)
        self._ordering_key_of = event.ordering_key_of
        self._id = Template(document.get("id"), location / "id", names)
        self._time = Template(document.get("time"), location / "time", names)
        self._data = Template(document["data"], location / "data", names)

    def id_of(self, *parts: str) -> str:
        """Make the id of the event that these parts identify within the service."""
        return str(uuid.uuid5(EVENT_IDS, "/".join((self._prefix, *parts))))

    def occurrence(
        self, scope: Scope, position: Position | None, row: Any, *, identity: str = "", fault: str = ""
    ) -> Occurrence:
        """Make an occurrence of a row; where it makes no event, with the fault.

        Args:
            identity: what identifies the row where the manifest says nothing.
            fault: what is wrong with it already; "" for nothing.
        """
        event_id, key = "", None
        try:
            event_id = self.id_of("id", self._identity(scope) or identity)
            data = self._whole(self._data(scope))
            key = self._ordering_key_of(data)
            time = _instant(self._time(scope), self._time.location)
            if not self._schema.is_valid(data):
                first = self._schema.violations(data)[0]
                raise MappingError(f"{first.pointer or '/'} {first.message.en}", self._data.location)
        except (MappingError, Refusal) as error:
            reason = error.detail.en if isinstance(error, Refusal) else str(error)
            event_id = event_id or self.id_of("row", orjson.dumps(row, default=str).decode())
            return Occurrence(event_id, position, fault=fault or reason, ordering_key=key, row=row)
        if fault:
            return Occurrence(event_id, position, fault=fault, ordering_key=key, row=row)
        return Occurrence(event_id, position, data, time, row=row)

    def _identity(self, scope: Scope) -> str:
        if self._id.empty:
            return ""
        value = self._id(scope)
        if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
            raise MappingError("the id is neither a text nor a whole number", self._id.location)
        return str(value)


def check_events(manifest: Manifest, contract: Contract) -> Iterator[Refusal]:
    """Yield where the events of a manifest do not keep what the contract promises.

    An event of the contract that is not watched for is no fault: another program of the system may publish it.
    """
    location = manifest.location / "events"
    for name, document in manifest.events.items():
        event = contract.events.get(name)
        if event is None:
            known = ", ".join(contract.events) or "-"
            yield (location / name).refusal(
                f"hợp đồng không có sự kiện {name}; có: {known}", f"the contract has no event {name}; it has: {known}"
            )
            continue
        data = document.get("data") if isinstance(document, dict) else None
        if isinstance(data, dict) and not {"$each", "$with"} & set(data):
            yield from field_faults(data, event.data.document, location / name / "data")


def poll_seconds(document: Mapping[str, Any]) -> float:
    """Return how long after one look the next begins, as an event of a manifest says."""
    return durations.seconds(document["poll"]) if "poll" in document else POLL_SECONDS


def overlap(document: Mapping[str, Any]) -> float:
    """Return how far before its watermark an event of a manifest is read again: seconds, or a number where the watermark is one."""
    value: str | int = document.get("overlap", 0)
    return durations.seconds(value) if isinstance(value, str) else float(value)


def _instant(value: Any, location: SourceLocation) -> str:
    """Write a time by RFC 3339; one without a zone is Vietnam's."""
    if value is None:
        return ""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise MappingError("the time is none of ISO 8601; use one of the functions for dates", location) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)).isoformat()
