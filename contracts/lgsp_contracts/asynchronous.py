"""What a contract says about calls that are accepted now and delivered later (`async` of an operation)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_contracts import durations
from lgsp_contracts.source_location import SourceLocation

DELIVERY_DEADLINE = "72h"
"""How long delivery is tried where the contract says nothing."""
ANSWER_RETENTION = "24h"
"""How long the answer is kept for its caller where the contract says nothing."""
LONGEST = "30d"
"""The longest that a contract may say of either."""


@dataclass(frozen=True, slots=True)
class Asynchronous:
    """How an operation is called with `Prefer: respond-async`.

    Args:
        delivery_deadline: seconds after the acceptance in which the message is delivered, or becomes a dead letter.
        answer_retention: seconds for which the answer is kept for its caller.
    """

    delivery_deadline: float
    answer_retention: float


def read_asynchronous(content: Mapping[str, Any], where: SourceLocation) -> Asynchronous:
    """Read the `async` section of an operation, already valid by the schema of contracts.

    Args:
        where: the location to name in a refusal.

    Raises:
        Refusal: `invalid-document`.
    """
    deadline, retention = (
        durations.read_within(content.get(key, default), shortest, LONGEST, where / key)
        for key, default, shortest in (
            ("deliveryDeadline", DELIVERY_DEADLINE, "1s"),
            ("answerRetention", ANSWER_RETENTION, "1m"),
        )
    )
    return Asynchronous(deadline, retention)
