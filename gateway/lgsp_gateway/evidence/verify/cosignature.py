"""Cosignatures of witnesses and timestamps of authorities, in the form in which they are stored and added to proofs.

Both are stored and handed on alike, so one type holds either.
"""

import base64
from dataclasses import dataclass
from typing import Any

TIMESTAMP = "timestamp"
"""Stands for the name of a witness where a timestamp authority vouches."""


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's cosignature of a checkpoint, or an authority's timestamp of it.

    Args:
        by: the name of the witness, or `TIMESTAMP`.
        note: the checkpoint, with the witness's line where a witness cosigned it.
        timestamp: the answer of the authority (RFC 3161, DER), which is about the note's bytes; empty for a witness.
    """

    by: str
    note: str
    timestamp: bytes = b""

    def document(self) -> dict[str, Any]:
        """Return it as a JSON object: `by`, `checkpoint` and, in base64, `timestamp`."""
        timestamp = base64.b64encode(self.timestamp).decode()
        return {"by": self.by, "checkpoint": self.note, **({"timestamp": timestamp} if timestamp else {})}

    @classmethod
    def parse(cls, document: Any) -> "Cosignature":
        """Read it from a JSON object, as `document` writes it.

        Raises:
            ValueError: it is none.
        """
        try:
            timestamp = base64.b64decode(document.get("timestamp", ""), validate=True)
            return cls(str(document["by"]), str(document["checkpoint"]), timestamp)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("no cosignature") from error
