"""What a witness or a timestamp authority says of a checkpoint, as it stands beside a proof."""

import base64
from dataclasses import dataclass
from typing import Any

TIMESTAMP = "timestamp"
"""Stands for the name of a witness where a timestamp authority spoke."""


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A cosignature of a witness or a timestamp: `by` is the witness, or `timestamp`.

    Args:
        note: the checkpoint, with the witness's line where a witness sealed it.
        timestamp: the answer of the authority (DER), which is about the note's bytes.
    """

    by: str
    note: str
    timestamp: bytes = b""

    def document(self) -> dict[str, Any]:
        """Write it as JSON."""
        stamp = base64.b64encode(self.timestamp).decode()
        return {"by": self.by, "checkpoint": self.note, **({"timestamp": stamp} if stamp else {})}

    @classmethod
    def parse(cls, found: Any) -> "Cosignature":
        """Read it from JSON.

        Raises:
            ValueError: it is none.
        """
        try:
            return cls(
                str(found["by"]), str(found["checkpoint"]), base64.b64decode(found.get("timestamp", ""), validate=True)
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("no cosignature") from error
