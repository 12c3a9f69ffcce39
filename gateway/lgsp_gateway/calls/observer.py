"""What may watch the calls of a gateway; `observability` implements it."""

from typing import Protocol

from lgsp_gateway.calls.model import CallRequest
from lgsp_gateway.calls.record import CallRecord
from lgsp_problems import Refusal


class CallObserver(Protocol):
    """Is told of each call once, when it ends."""

    def answered(self, request: CallRequest, record: CallRecord) -> None:
        """Take note of a call that got its answer."""

    def refused(self, request: CallRequest, record: CallRecord, refusal: Refusal) -> None:
        """Take note of a call that was refused."""

    def limited(self, record: CallRecord) -> None:
        """Take note of a call that was refused without evidence, since its caller is refused too often."""

    def unidentified(self, request: CallRequest, refusal: Refusal) -> None:
        """Take note of a call whose caller could not be identified."""
