"""The state of an accepted message, as `LGSP_MESSAGES` keeps it: one JSON document, the last one of each message.

    accepted ──▶ delivering ──▶ answered
        │            ├────────▶ dead ──▶ accepted (retried) | given-up
        └────────────┴────────▶ cancelled

A message without a document has not been tried yet; what is known of it stands in its envelope.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self

from lgsp_problems import Refusal, Text

State = Literal["accepted", "delivering", "answered", "dead", "cancelled", "given-up"]
UNREADABLE = "unreadable"
"""What is shown in place of the state of a message where what is stored of it is damaged."""
STATES: tuple[State, ...] = ("accepted", "delivering", "answered", "dead", "cancelled", "given-up")
FINAL: frozenset[State] = frozenset({"answered", "dead", "cancelled", "given-up"})
"""The states in which nobody delivers a message any more."""

MAX_ATTEMPTS_KEPT = 50
"""Attempts that a state tells of: the first ones and, of more, the latest."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an attempt failed, or why something was not delivered: a problem code and one sentence, without a value of a document.

    Args:
        title: of the code; None where it is not needed, since only an error that a contract declares is shown with it.
    """

    code: str
    text: Text
    title: Text | None = None

    @classmethod
    def of(cls, refusal: Refusal) -> Self:
        """Take the reason of a refusal."""
        return cls(refusal.code, refusal.detail, refusal.kind.title)

    def document(self) -> dict[str, str]:
        """Return the reason as JSON."""
        document = {"code": self.code, "vi": self.text.vi, "en": self.text.en}
        return {**document, "titleVi": self.title.vi, "titleEn": self.title.en} if self.title else document

    @classmethod
    def from_document(cls, document: dict[str, str]) -> Self:
        """Read what `document` wrote."""
        title = Text(document["titleVi"], document["titleEn"]) if "titleVi" in document else None
        return cls(document["code"], Text(document["vi"], document["en"]), title)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver.

    Args:
        at: in milliseconds since 1970.
        gateway: which made it.
        outcome: `answered`, or the code of a problem; "" while it runs, or where whoever made it was killed.
    """

    at: int
    gateway: str
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """The answer that is kept of a message.

    Args:
        status: 200, or that of an error that the contract declares.
        size: bytes of the answer.
        expires: until when it is kept, in milliseconds since 1970.
    """

    status: int
    size: int
    expires: int


@dataclass(frozen=True, slots=True)
class MessageState:
    """What became of a message so far.

    Args:
        round: 0, and one more for each time that it was retried as a dead letter.
        changed: when this state began, in milliseconds since 1970.
        attempts: the number of attempts in all; `latest` tells of the last `MAX_ATTEMPTS_KEPT`.
        next_attempt: when the next one is due, in milliseconds since 1970; 0 where none is.
        reason: why it is dead, was cancelled or given up, or why the last attempt failed.
        by: who cancelled it, gave it up or had it retried last; "" for nobody.
        is_recorded: the entry of its cancellation is on disk. Where that is not known, whoever settles the message writes it.
    """

    state: State
    changed: int
    round: int = 0
    attempts: int = 0
    latest: tuple[Attempt, ...] = ()
    next_attempt: int = 0
    reason: Reason | None = None
    answer: AnswerRecord | None = None
    by: str = ""
    is_recorded: bool = False

    @property
    def is_final(self) -> bool:
        """Tell whether nobody delivers the message any more."""
        return self.state in FINAL

    @property
    def open_attempt(self) -> Attempt | None:
        """Return the attempt that was begun and not ended: it runs, or whoever made it was killed."""
        return self.latest[-1] if self.latest and not self.latest[-1].outcome else None

    def in_round(self, number: int) -> "MessageState":
        """Return the state of the message when it is retried as a dead letter: it begins anew, and keeps its attempts."""
        return replace(self, state="accepted", round=number, next_attempt=0, reason=None, answer=None)

    def with_attempt(self, attempt: Attempt) -> "MessageState":
        """Add an attempt that begins."""
        latest = (*self.latest, attempt)[-MAX_ATTEMPTS_KEPT:]
        return replace(self, state="delivering", attempts=self.attempts + 1, latest=latest, next_attempt=0)

    def with_outcome(self, outcome: str) -> "MessageState":
        """Record the outcome of the last attempt."""
        return replace(self, latest=(*self.latest[:-1], replace(self.latest[-1], outcome=outcome)))

    def document(self) -> dict[str, Any]:
        """Return the state as `orjson` writes it."""
        document = {name: getattr(self, name) for name in _FIELDS}
        return {**document, "reason": self.reason.document() if self.reason else None}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read what `document` wrote, by this version or another: what it does not know it leaves out."""
        return cls(
            **{
                **{name: document[name] for name in document.keys() & _FIELD_SET},
                "latest": tuple(Attempt(**attempt) for attempt in document["latest"]),
                "reason": Reason.from_document(document["reason"]) if document["reason"] else None,
                "answer": AnswerRecord(**document["answer"]) if document["answer"] else None,
            }
        )


_FIELDS = tuple(field.name for field in fields(MessageState))
_FIELD_SET = frozenset(_FIELDS)
