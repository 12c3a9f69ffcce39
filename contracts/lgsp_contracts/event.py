"""The events of a contract.

An event is published as CloudEvents 1.0 with the document of its schema as `data` (`lgsp_contracts.cloudevents`), over HTTP or, by an
adapter, over NATS (`docs/protocol/wire-1.md`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lgsp_contracts import durations, message_checks, pointers, strict_json
from lgsp_contracts.names import EventName, Major, ServiceName, is_of_agency
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.strict_json import Limits
from lgsp_problems import Text, Violation

TYPE_PREFIX = "lgsp"
"""The prefix of the CloudEvents type of an event whose contract names none."""

RETENTION = "7d"
"""How long an event is kept where the contract says nothing."""
SHORTEST_RETENTION = "1d"
"""A repeated event is recognised as long as the event is kept, which is as long as an Idempotency-Key counts."""
LONGEST_RETENTION = "365d"

MAX_ORDERING_KEY = 255
"""The most characters of a value by which events are ordered."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event that a service publishes.

    Args:
        type: of CloudEvents.
        classification: open, internal or personal.
        subject: paths in the data to the number of the person concerned.
        data: the schema of the event's data.
        retention: seconds for which an event is kept, and can be delivered again.
        ordering_key: the path in the data to the value by which events are ordered; None where their order does not matter.
        recipient: the path in the data to the code of the agency that alone may receive an event; None where everybody with a grant may.
    """

    name: EventName
    type: str
    title: Text
    description: Text | None
    classification: str
    subject: tuple[tuple[str, ...], ...]
    data: Schema
    example: Any
    limits: Limits
    retention: float
    ordering_key: tuple[str, ...] | None
    recipient: tuple[str, ...] | None = None

    def check_data(self, body: bytes) -> Any:
        """Parse the data of an event and check it against the contract.

        Raises:
            Refusal: `malformed`, `too-large` or `contract-violation`.
        """
        document = message_checks.check_request(self.data, self.limits, body)
        self.ordering_key_of(document)
        return document

    def ordering_key_of(self, document: Any) -> str | None:
        """Find the value by which an event is ordered, as text; None where it has none, so that it waits for no other.

        Raises:
            Refusal: `contract-violation`, where the value is too long, or neither a string nor an integer.
        """
        return self.as_ordering_key(pointers.find(document, self.ordering_key) if self.ordering_key else None)

    def is_for(self, agency: str, document: Any) -> bool:
        """Tell whether an agency may receive an event: it is its recipient, or the recipient is one of its units.

        Args:
            agency: its code, such as `H49.12`.
            document: the data, whole.
        """
        if self.recipient is None:
            return True
        code = pointers.find(document, self.recipient)
        return isinstance(code, str) and is_of_agency(code, agency)

    def as_ordering_key(self, value: Any) -> str | None:
        """Return the value at `ordering_key` as text; None where there is none.

        Raises:
            Refusal: `contract-violation`, as for `ordering_key_of`.
        """
        if value is None:
            return None
        if not _can_order(value):
            pointer = pointers.join(self.ordering_key or ())
            raise message_checks.broken_request([Violation(pointer, "orderingKey", _CANNOT_ORDER)])
        return str(value)


def _can_order(value: Any) -> bool:
    return type(value) in (str, int) and len(str(value)) <= MAX_ORDERING_KEY


_CANNOT_ORDER = Text(
    f"dùng để xếp thứ tự nên phải là số nguyên hoặc chuỗi dài nhất {MAX_ORDERING_KEY} ký tự; hãy sửa lại",
    f"orders the events, so it must be an integer or a string of at most {MAX_ORDERING_KEY} characters; correct it",
)


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
        limits=replace(strict_json.DEFAULT, **content.get("limits", {})),
        retention=durations.read_within(
            content.get("retention", RETENTION), SHORTEST_RETENTION, LONGEST_RETENTION, where / "retention"
        ),
        ordering_key=pointers.split(content["orderingKey"]) if "orderingKey" in content else None,
        recipient=pointers.split(content["recipient"]) if "recipient" in content else None,
    )
    for violation in event.data.violations(event.example)[:1]:
        location = (where / "example").at(violation.pointer)
        raise location.refusal(f"ví dụ {violation.message.vi}", f"the example {violation.message.en}")
    _check_ordering_key(event, where)
    if event.recipient is not None and not isinstance(pointers.find(event.example, event.recipient), str):
        raise (where / "recipient").refusal(
            "phải trỏ đến mã định danh của một cơ quan, là chuỗi có trong ví dụ; hãy sửa lại",
            "must point to the code of an agency, a string that the example contains; correct it",
        )
    return event


def _check_ordering_key(event: Event, where: SourceLocation) -> None:
    if event.ordering_key is not None and not _can_order(pointers.find(event.example, event.ordering_key)):
        raise (where / "orderingKey").refusal(
            f"phải trỏ đến một chuỗi (nhiều nhất {MAX_ORDERING_KEY} ký tự) hoặc số nguyên có trong ví dụ; hãy sửa lại",
            f"must point to a string (of at most {MAX_ORDERING_KEY} characters) or an integer that the example contains; correct it",
        )
