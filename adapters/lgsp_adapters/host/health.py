"""The health of the system behind an operation, as this instance of the adapter sees it.

It is published in the statistics of the NATS services protocol (`$SRV.STATS`, the field `data` of each endpoint), where the
gateways and `nats micro stats` read it.
"""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

NOTE = 300
"""Characters of a note that are published."""

DURATIONS = 500
"""The last answers whose durations are published as quantiles."""


@dataclass(slots=True)
class Health:
    """The health of one operation."""

    answered: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    failed_in_a_row: int = 0
    last_answer: float = 0.0
    last_failure: float = 0.0
    last_reason: str = ""
    last_note: str = ""
    unreachable: bool = False
    """Whether no connection could be made, so that a successful probe proves recovery."""
    durations: deque[int] = field(default_factory=lambda: deque(maxlen=DURATIONS))
    """Of the last answers, in nanoseconds."""

    def record_success(self, nanoseconds: int) -> None:
        """Record an answer of the provider's system, be it an error that the contract declares.

        Args:
            nanoseconds: how long the system took.
        """
        self.answered += 1
        self.durations.append(nanoseconds)
        self.failed_in_a_row = 0
        self.unreachable = False
        self.last_answer = time.time()

    def record_failure(self, why: str, note: str = "", *, connected: bool = False) -> None:
        """Record that the provider's system gave no usable answer.

        Args:
            note: where and why, without a value of the call.
            connected: a connection was made, so a successful probe proves nothing.
        """
        self.failed[why] = self.failed.get(why, 0) + 1
        self.failed_in_a_row += 1
        if why != "resting":  # that says nothing of the system
            self.last_failure, self.last_reason, self.last_note = time.time(), why, note[:NOTE]
            self.unreachable = why == "unreachable" and not connected

    def record_limited(self) -> None:
        """Record that the limit of the provider kept a call from its system, of which that says nothing."""
        self.failed["limited"] = self.failed.get("limited", 0) + 1

    def record_reachable(self) -> None:
        """Record that the provider's system accepts connections again."""
        self.failed_in_a_row = 0
        self.unreachable = False

    def statistics(self) -> dict[str, object]:
        """Return the health as a document: counts, quantiles of the durations of the last answers, and times in seconds since 1970 (0: never)."""
        durations = sorted(self.durations)
        return {
            "upstream": {
                "up": self.failed_in_a_row == 0,
                "answered": self.answered,
                "failed": self.failed,
                "failedInARow": self.failed_in_a_row,
                "lastAnswer": round(self.last_answer, 3),
                "lastFailure": round(self.last_failure, 3),
                "lastReason": self.last_reason,
                "lastNote": self.last_note,
                "p50Ms": _quantile_ms(durations, 0.5),
                "p95Ms": _quantile_ms(durations, 0.95),
            }
        }


def _quantile_ms(durations: Sequence[int], share: float) -> float:
    """Return the duration that this share of the answers did not exceed, in milliseconds; 0 without answers."""
    return round(durations[int(share * (len(durations) - 1))] / 1e6, 3) if durations else 0.0
