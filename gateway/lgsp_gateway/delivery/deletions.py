"""What is remembered of something that belonged to a system and was deleted: by whom, why, and its history."""

import time
from dataclasses import dataclass
from typing import Any, Self

import orjson

from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery.change_history import Change, History, extended, parse_history, stored_history
from lgsp_gateway.delivery.decisions import Decision
from lgsp_gateway.delivery.replicated_bucket import TOMBSTONE_HOURS


@dataclass(frozen=True, slots=True)
class Deletion:
    """What is known of something that was deleted.

    Args:
        history: until it was deleted, which is its last change.
    """

    id: str
    name: str
    system: SystemName
    decision: Decision
    history: History = ()

    @classmethod
    def of(cls, deleted_id: str, name: str, system: SystemName, decision: Decision, history: History) -> Self:
        """Make what is remembered.

        Args:
            history: before the deletion.
        """
        return cls(deleted_id, name, system, decision, extended(history, Change("deleted", decision)))

    def serialize(self) -> bytes:
        """Return what stands in the bucket where the deleted value stood."""
        return orjson.dumps(
            {
                "id": self.id,
                "name": self.name,
                "system": self.system,
                "decision": self.decision.stored(),
                "history": stored_history(self.history),
            }
        )

    @classmethod
    def parse(cls, stored: bytes) -> Self:
        """Read what `serialize` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        fields = orjson.loads(stored)
        decision, history = Decision.parse(fields["decision"]), parse_history(fields.get("history", []))
        return cls(fields["id"], fields["name"], SystemName(fields["system"]), decision, history)

    def document(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "system": self.system,
            "decision": self.decision.document(),
        }


class RecentDeletions:
    """What was deleted from a bucket, for as long as the bucket keeps it."""

    def __init__(self) -> None:
        self._by_key: dict[str, Deletion] = {}

    def put(self, key: str, stored: bytes) -> None:
        """Take over what stands in the place of a deleted value; "" tells nothing."""
        self.discard(key)
        if stored:
            self._by_key[key] = Deletion.parse(stored)

    def discard(self, key: str) -> None:
        """Forget what was deleted under a key, since there is something new."""
        self._by_key.pop(key, None)

    def find(self, deleted_id: str) -> Deletion | None:
        """Return what was deleted under an id; None where nothing is known of it."""
        return next((one for one in self._by_key.values() if one.id == deleted_id), None)

    def at(self, key: str) -> Deletion | None:
        """Return what was deleted under a key of the bucket; None where nothing is known of it."""
        return self._by_key.get(key)

    def of(self, system: SystemName | None) -> list[Deletion]:
        """Return what was deleted, the newest first.

        Args:
            system: whose; None for everybody's.
        """
        oldest = time.time() - TOMBSTONE_HOURS * 3600
        self._by_key = {key: one for key, one in self._by_key.items() if one.decision.at >= oldest}
        found = [one for one in self._by_key.values() if system is None or one.system == system]
        return sorted(found, key=lambda one: one.decision.at, reverse=True)
