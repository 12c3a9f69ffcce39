"""What an agency has stored, by what it is: shown to its systems and to operators, so that a quota is not first known by a refusal."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StorageUsage:
    """The bytes that count towards the storage quota of one agency.

    Args:
        agency: its code; "" for the dead letters of systems that the registry no longer has.
        messages: waiting messages, kept answers, and events.
        quota: None where there is no agency to have one.
    """

    agency: str
    messages: int
    dead_letters: int
    files: int
    quota: int | None

    @property
    def used(self) -> int:
        """Return the bytes of everything together."""
        return self.messages + self.dead_letters + self.files

    @property
    def share(self) -> float:
        """Return how much of the quota is used: 0 for nothing, 1 for all of it."""
        return self.used / self.quota if self.quota else 0.0

    def document(self) -> dict[str, Any]:
        """Return it as a JSON object of the HTTP API."""
        return {
            "agency": self.agency,
            "usedBytes": self.used,
            **({} if self.quota is None else {"quotaBytes": self.quota}),
            "messageBytes": self.messages,
            "deadLetterBytes": self.dead_letters,
            "fileBytes": self.files,
        }
