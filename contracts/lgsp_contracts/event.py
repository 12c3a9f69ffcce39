"""The events of a contract.

Events are reserved: contracts may declare them, and they are checked and compared between versions; no gateway delivers them yet. An
event is sent as CloudEvents 1.0 with the document of its schema as `data` (`docs/protocol/wire-1.md`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_contracts import pointers
from lgsp_contracts.names import EventName, Major, ServiceName
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Text

TYPE_PREFIX = "lgsp"
"""The prefix of the CloudEvents type of an event whose contract names none."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event that a service publishes.

    Args:
        type: of CloudEvents.
        classification: open, internal or personal.
        subject: paths in the data to the number of the person concerned.
        data: the schema of the event's data.
    """

    name: EventName
    type: str
    title: Text
    description: Text | None
    classification: str
    subject: tuple[tuple[str, ...], ...]
    data: Schema
    example: Any


def type_of(service: ServiceName, major: Major, event: EventName) -> str:
    """Return the CloudEvents type of an event whose contract names none: `lgsp.land-parcels.v1.parcel-changed`."""
    return f"{TYPE_PREFIX}.{service}.v{major}.{event}"


def read_event(
    name: str, content: Mapping[str, Any], service: ServiceName, major: Major, default: str, where: SourceLocation
) -> Event:
    """Read an event of a contract document, already valid by the schema of contracts.

    Args:
        default: the classification of the contract.
        where: the location to name in a refusal.

    Raises:
        Refusal: `invalid-document`.
    """
    subject = content.get("subject", [])
    event = Event(
        name=EventName(name),
        type=content.get("type", type_of(service, major, EventName(name))),
        title=Text(**content["title"]),
        description=Text(**content["description"]) if "description" in content else None,
        classification=content.get("classification", default),
        subject=tuple(pointers.split(item) for item in ([subject] if isinstance(subject, str) else subject)),
        data=Schema(content["data"], where / "data"),
        example=content["example"],
    )
    for violation in event.data.violations(event.example)[:1]:
        location = (where / "example").at(violation.pointer)
        raise location.refusal(f"ví dụ {violation.message.vi}", f"the example {violation.message.en}")
    return event
