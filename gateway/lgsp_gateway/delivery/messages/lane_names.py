"""The lanes of accepted messages: one for each service, major version, priority and caller. The name says which.

Each caller has its own, so neither its flood nor its failing messages keep those of another one waiting.
"""

import re
from typing import NamedTuple

from lgsp_contracts.names import NAME_PATTERN, Major, ServiceName, SystemName
from lgsp_gateway.calls.deferral import PRIORITIES
from lgsp_gateway.delivery.streams import Priority, work_filter

PREFIX = "messages-"
_PART = NAME_PATTERN.strip("^$")
_NAME = re.compile(
    rf"{PREFIX}(?P<service>{_PART})_v(?P<major>[1-9][0-9]{{0,3}})_(?P<priority>{'|'.join(PRIORITIES)})_(?P<consumer>{_PART})"
)
"""No service and no system has a name with `_`."""


class MessageLane(NamedTuple):
    """What one lane delivers."""

    service: ServiceName
    major: Major
    priority: Priority
    consumer: SystemName

    @property
    def name(self) -> str:
        """Return the name of its durable consumer."""
        return f"{PREFIX}{self.service}_v{self.major}_{self.priority}_{self.consumer}"

    @property
    def filter(self) -> str:
        """Return the subjects of `LGSP_WORK` that it reads."""
        return work_filter(*self)


def parse(name: str) -> MessageLane | None:
    """Read the name of a lane; None where it is not one of accepted messages."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    priority = next(one for one in PRIORITIES if one == match["priority"])
    service, consumer = ServiceName(match["service"]), SystemName(match["consumer"])
    return MessageLane(service, Major(int(match["major"])), priority, consumer)
