"""The entries of the evidence that delivery writes: accepted messages, attempts to deliver, events and files.

An entry holds no document, no person's number, and no name that its sender chose freely; `docs/protocol/entry-1.md` describes its
fields, and the class of each kind has the same ones.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, Literal, cast

import orjson

from lgsp_contracts import entry
from lgsp_gateway.delivery.streams import Priority

Channel = Literal["adapter", "webhook", "sse", "pull", "callback"]
"""How something is delivered."""
DeliveryState = Literal["delivering", "answered", "delivered", "dead", "cancelled", "given-up"]
"""What has become of a message, or of an event for one subscription; `delivering` where it is tried again."""
FileAction = Literal["uploaded", "read", "deleted", "expired", "quarantined"]

ACCEPTED = "accepted"
"""The outcome of a message or an event that is on disk."""
REPEATED = "repeated"
"""The outcome of one that was accepted before."""


@dataclass(eq=False, slots=True, kw_only=True)
class _Entry:
    """The fields of every entry.

    Args:
        message: the id (UUIDv7) that all entries about one message or event share.
        time: in milliseconds since 1970.
        gateway: the one that writes the entry.
    """

    kind: ClassVar[entry.Kind]

    message: str
    time: int
    gateway: str
    trace: str = ""

    def to_bytes(self) -> bytes:
        """Return the entry: one line of JSON, without the fields that are None."""
        names, values = _columns(
            cast("Hashable", type(self))
        )  # mypy takes the hash of an instance for that of its class
        members = {name: value for name, value in zip(names, values(self), strict=True) if value is not None}
        return orjson.dumps({"v": entry.VERSION, "kind": self.kind, **members})


@cache
def _columns(kind: type[Any]) -> tuple[tuple[str, ...], Callable[[_Entry], tuple[Any, ...]]]:
    """Return the names of the fields of a kind of entry, and what reads their values in the same order."""
    names = [field.name for field in fields(kind)]
    return tuple(map(_camel_case, names)), attrgetter(*names)


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


@dataclass(eq=False, slots=True, kw_only=True)
class AcceptedEntry(_Entry):
    """A message was stored durably, to be delivered later.

    Args:
        subject, on_behalf_of: pseudonyms; may be empty.
        outcome: `accepted` or `repeated`.
        deadline: until when delivery is tried, in milliseconds since 1970.
        reference: the number of the dossier that it is for; empty where its caller named none.
        ordering_key: the pseudonym of the caller's ordering key; empty where it sent none.
        callback: the id of the webhook endpoint that is told of the answer; may be empty.
        files: the ids of the files that the request refers to.
        request_digest: salted (`lgsp_contracts.entry.digest`).
    """

    kind = "accepted"

    consumer: str
    agency: str
    provider: str
    service: str
    version: str
    operation: str
    purpose: str
    grant: str
    subject: str
    on_behalf_of: str
    reference: str = ""
    outcome: str = ACCEPTED
    status: int = 202
    deadline: int
    priority: Priority = "normal"
    ordering_key: str = ""
    callback: str = ""
    files: tuple[str, ...] = ()
    request_digest: str
    request_size: int


@dataclass(eq=False, slots=True, kw_only=True)
class DeliveryEntry(_Entry):
    """One attempt to deliver an accepted message or an event, or the decision that ends its delivery.

    Args:
        to: the system, subscription or webhook endpoint that it went to.
        consumer: the system that asked, or that subscribes.
        operation: empty where it is an event.
        event: empty where it is a message.
        attempt: from 1; 0 where somebody decided and nothing was sent.
        outcome: `answered`, `delivered`, or the code of a problem.
        state: what has become of it.
        by: the principal who decided, where somebody did.
        request_digest: salted, of what was delivered; empty where nothing was.
        provider_ms: how long the attempt took.
        adapter_ms, upstream_ms: how long of that the adapter says that it took, and waited for the system behind it; None where it says nothing.
    """

    kind = "delivery"

    to: str
    channel: Channel
    consumer: str
    agency: str
    provider: str
    service: str
    version: str
    operation: str = ""
    event: str = ""
    purpose: str
    grant: str
    subject: str = ""
    on_behalf_of: str = ""
    attempt: int
    outcome: str
    state: DeliveryState
    by: str = ""
    status: int
    request_digest: str = ""
    request_size: int = 0
    answer_digest: str = ""
    answer_size: int = 0
    provider_ms: float = 0.0
    adapter_ms: float | None = None
    upstream_ms: float | None = None


@dataclass(eq=False, slots=True, kw_only=True)
class EventEntry(_Entry):
    """A provider published an event, or was refused.

    Args:
        subject: a pseudonym; may be empty.
        ordering_key: the pseudonym of the value by which events are ordered; may be empty.
        files: the ids of the files that its data refers to.
        outcome: `accepted`, `repeated`, or the code of a problem.
        request_digest: salted, of its data; empty where it was not received.
    """

    kind = "event"

    provider: str
    agency: str
    service: str = ""
    version: str = ""
    event: str = ""
    channel: Literal["http", "adapter"] = "http"
    subject: str = ""
    ordering_key: str = ""
    files: tuple[str, ...] = ()
    outcome: str = ACCEPTED
    status: int = 202
    request_digest: str = ""
    request_size: int = 0


@dataclass(eq=False, slots=True, kw_only=True)
class FileEntry(_Entry):
    """A file was uploaded, read or deleted, or an attempt at it was refused.

    Args:
        message: an id of this request, not that of the message that carries the file.
        consumer: the system that asked; empty where the bus did it by itself.
        by: the officer who asked by the form system of an agency, as `Principal` writes persons; empty where a system asked by itself.
        through: the system that had signed the officer in and asked in their name; empty for none.
        carrier: the id of the message or event that carries the file; empty while none does.
        media_type: as its bytes say.
        digest: salted, of the file; may be empty.
        outcome: `done`, or the code of a problem.
    """

    kind = "file"

    file: str
    action: FileAction
    consumer: str = ""
    agency: str = ""
    by: str = ""
    through: str = ""
    carrier: str = ""
    media_type: str = ""
    digest: str = ""
    size: int = 0
    outcome: str = "done"
    status: int = 200
