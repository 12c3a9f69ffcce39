"""What gateways tell one instance of an adapter: take no more calls, or take them again (wire protocol 1.2, `docs/protocol/wire-1.md`).

An instance subscribes to a subject of its own, to which only gateways may publish: NATS decides that, so the messages are not signed. Each
carries the revision of the decision, since gateways repeat it until the instance reports that it was carried out, and may overtake each other.
"""

from typing import Any, Literal, NamedTuple

import orjson

from lgsp_contracts import wire
from lgsp_contracts.names import SystemName
from lgsp_contracts.wire import Version

SINCE = Version(1, 2)
"""The first version of the wire protocol whose adapters listen."""


class Control(NamedTuple):
    """A decision about an instance.

    Args:
        drain: take no more calls; else take them.
        revision: of the decision; one with a lower revision than was carried out is out of date.
    """

    drain: bool
    revision: int


def subject(system: SystemName, instance: str | Literal["*"]) -> str:
    """Name the NATS subject on which an instance of a system is told."""
    return f"control.{system}.{instance}"


def message(control: Control) -> bytes:
    """Serialise a decision."""
    return orjson.dumps({"wire": wire.VERSION, "drain": control.drain, "revision": control.revision})


def parse(data: bytes) -> Control | None:
    """Parse a decision; None where it is none."""
    try:
        fields: Any = orjson.loads(data)
        drain, revision = fields["drain"], fields["revision"]
        if fields["wire"] != wire.VERSION or type(drain) is not bool or type(revision) is not int:
            return None
    except (ValueError, KeyError, TypeError):
        return None
    return Control(drain, revision)


class Confirmation(NamedTuple):
    """What an instance replies.

    Args:
        drained: takes no calls now.
        working: calls that it is still answering.
    """

    drained: bool
    working: int


def reply(confirmation: Confirmation) -> bytes:
    """Serialise the reply of an instance."""
    return orjson.dumps({"status": "done", **confirmation._asdict()})


def parse_reply(data: bytes) -> Confirmation | None:
    """Parse the reply of an instance; None where it is none."""
    try:
        fields: Any = orjson.loads(data)
        drained, working = fields["drained"], fields["working"]
    except (ValueError, KeyError, TypeError):
        return None
    return Confirmation(drained, working) if type(drained) is bool and type(working) is int else None
