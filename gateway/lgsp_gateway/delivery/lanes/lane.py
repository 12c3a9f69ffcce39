"""What a lane is, and what its handler is given and answers.

A lane takes the messages of one destination out of a stream: of a service in one priority, or of a subscription. It is a durable
consumer of JetStream that one gateway serves at a time.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

ACK_WAIT_SECONDS = 5.0
"""After how long a message comes back whose gateway no longer says that it works on it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way.

    Args:
        sequence: in its stream; the same each time it is delivered.
        headers: without those that JetStream adds for itself.
        published_at: when the stream stored it, in seconds since 1970.
        num_delivered: how often the server has handed it to a gateway; more than the attempts, where it was handed back.
        attempt: how often this gateway has tried it, this time included; it begins at 1 again when another gateway takes over.
        is_damaged: what is stored is not what was written; the payload is what is stored then. It will never be readable.
    """

    stream: str
    subject: str
    sequence: int
    payload: bytes
    headers: Mapping[str, str]
    published_at: float
    num_delivered: int
    attempt: int
    is_damaged: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """The message is settled, and its outcome is on disk; it is acknowledged."""


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """This message failed and is tried again; others go on, except those behind it with the same ordering key.

    Args:
        seconds: until the next attempt (`back_off.delay`).
        reason: a problem code or another fixed word, for metrics and the log.
    """

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class PauseLane:
    """The destination cannot be reached at all, so the lane starts nothing for a while; then it tries one message.

    Args:
        seconds: of the pause; None for the pauses of the lane's breaker, which grow while it happens again.
        reason: a problem code or another fixed word, for metrics and the log.
        failed: this message was tried, and failed. It may be one that always fails, so after the pause one that has failed less is tried
            first, where there is one.
    """

    reason: str
    seconds: float | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Dead:
    """The message cannot be delivered, and its dead letter is on disk; it is acknowledged.

    Args:
        reason: a problem code or another fixed word, for metrics and the log.
    """

    reason: str


Outcome = Done | RetryAfter | PauseLane | Dead

LaneHandler = Callable[[Delivery], Awaitable[Outcome]]
"""Tries to deliver a message, and returns only when what it did is on disk. What it raises counts as `RetryAfter` with the back-off of its
attempts, and is logged. It may be run again for the same message after a crash, at any point. It may be cancelled (when the lane
stops or moves), which counts as a crash."""


def unordered(_: Delivery) -> str:
    """Order nothing."""
    return ""


@dataclass(frozen=True, slots=True)
class LaneConfig:
    """One lane.

    Args:
        name: of the durable consumer: letters, digits, `-` and `_`.
        stream: that it reads.
        filters: subjects that it reads; the filters of two lanes of a work queue have no subject in common.
        ordering_key: names what keeps its order: messages with the same key run one after the other, in the order of the stream. "" for
            no order.
        concurrency: messages that are tried at the same time.
        window: messages whose payload is in memory.
        attempt_seconds: after which an attempt is cancelled and counts as failed; None for never.
        start_after: only messages of the stream with a higher sequence (of a new lane; it keeps its place).
    """

    name: str
    stream: str
    filters: tuple[str, ...]
    ordering_key: Callable[[Delivery], str] = unordered
    concurrency: int = 8
    window: int = 32
    attempt_seconds: float | None = 120.0
    start_after: int = 0


@dataclass(frozen=True, slots=True)
class LaneState:
    """What a gateway knows of a lane.

    Args:
        served_here: this gateway has its messages now.
        running: attempts under way here.
        waiting: messages that this gateway has and does not try now.
        paused_until: as `time.time` counts; None where it is not paused.
        pause_reason: of `PauseLane`; "" where it is not paused.
    """

    name: str
    served_here: bool
    running: int
    waiting: int
    paused_until: float | None
    pause_reason: str
