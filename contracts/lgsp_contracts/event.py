"""What a service announces: the events of a contract.

Events are reserved: contracts may declare them, and they are checked and compared between versions; no gateway takes or delivers them yet. An
event travels as CloudEvents 1.0 with the document of its schema as `data` (`docs/protocol/wire-1.md`).
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
"""What the CloudEvents types of events begin with whose contracts give none."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a service announces.

    Args:
        type: of CloudEvents.
        classification: open, internal or personal.
        subject: paths into the data, to the person whom it is about.
        data: the schema of what is announced.
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
    """Make the CloudEvents type of an event whose contract gives none: `lgsp.land-parcels.v1.parcel-changed`."""
    return f"{TYPE_PREFIX}.{service}.v{major}.{event}"


def read_event(
    name: str, content: Mapping[str, Any], service: ServiceName, major: Major, default: str, where: SourceLocation
) -> Event:
    """Read an event of a contract document that keeps the schema of contracts.

    Args:
        default: the classification of the contract.
        where: what to call the event in a refusal.

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
        at = (where / "example").at(violation.pointer)
        raise at.refusal(f"ví dụ {violation.message.vi}", f"the example {violation.message.en}")
    return event
