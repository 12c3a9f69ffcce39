"""What may watch the delivery of messages; `observability` implements it."""

from typing import Protocol

from lgsp_gateway.delivery.messages.envelope import Envelope


class DeliveryObserver(Protocol):
    """Is told of each attempt to deliver, and of each message that is over."""

    def attempted(self, envelope: Envelope, outcome: str, seconds: float) -> None:
        """Take note of an attempt.

        Args:
            outcome: `answered`, or the code of a problem.
            seconds: that it took.
        """

    def completed(self, envelope: Envelope, state: str, reason: str, seconds: float) -> None:
        """Take note of a message that is over.

        Args:
            state: `answered`, `dead`, `cancelled` or `given-up`.
            reason: the code of a problem; "" where it was answered.
            seconds: since it was accepted.
        """
