"""The history of what belongs to a system (a webhook endpoint, a subscription): who changed it, when, what, and why.

It stands in the document that was changed, so one write stores both: whatever is killed, there is no change without its record. What takes
the place of a deleted document keeps it for as long as the deletion is remembered. The security log has each change too, for good.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from lgsp_gateway.delivery.decisions import Decision

MAX_CHANGES = 100
"""Changes that a document tells of: the first one and, of more, the latest."""

Details = Mapping[str, Any]
"""Of each member that was changed what it is now; never a secret."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Args:
        step: what was done: `created`, `changed`, `paused` and so on.
        details: what of it.
    """

    step: str
    decision: Decision
    details: Details = field(default_factory=dict)

    def stored(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {"step": self.step, "decision": self.decision.stored(), "details": dict(self.details)}

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read what `stored` returned.

        Raises:
            KeyError, TypeError: it is none.
        """
        return cls(document["step"], Decision.parse(document["decision"]), document["details"])

    def document(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        details = {"details": dict(self.details)} if self.details else {}
        return {"step": self.step, **self.decision.document(), **details}


History = tuple[Change, ...]
"""The oldest first."""


def extended(history: History, change: Change) -> History:
    """Return a history with one more change."""
    if len(history) < MAX_CHANGES:
        return (*history, change)
    return (history[0], *history[2:], change)


def stored_history(history: History) -> list[dict[str, Any]]:
    """Return a history as it is stored."""
    return [change.stored() for change in history]


def parse_history(stored: list[Mapping[str, Any]]) -> History:
    """Read what `stored_history` returned.

    Raises:
        KeyError, TypeError: it is none.
    """
    return tuple(map(Change.parse, stored))
