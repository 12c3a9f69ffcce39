"""The kinds of documents, what they are called in paths, and what a document is.

Kubernetes' shape: `apiVersion`, `kind`, `metadata`, `spec`. The registry adds to `metadata` what it knows of a version:
`revision`, `updatedAt`, `updatedBy`, `reason`.
"""

from dataclasses import dataclass
from typing import Any

import orjson

API_VERSION = "lgsp/v1"

PLURALS = {"agencies": "Agency", "systems": "System", "services": "Service", "grants": "Grant"}
"""The kinds as paths name them, in the order in which they refer to each other."""

KINDS = tuple(PLURALS.values())

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a document. `spec` is None where the document was deleted; `at` is in milliseconds since 1970."""

    kind: str
    name: str
    spec: Spec | None
    revision: int
    at: int
    by: str
    reason: str

    @property
    def etag(self) -> str:
        """The entity tag of this version (RFC 9110, section 8.8.3)."""
        return f'"{self.revision}"'

    def document(self) -> dict[str, Any]:
        """The document as people and programs read it."""
        metadata: dict[str, Any] = {
            "name": self.name,
            "revision": self.revision,
            "updatedAt": self.at,
            "updatedBy": self.by,
        }
        if self.reason:
            metadata["reason"] = self.reason
        return {"apiVersion": API_VERSION, "kind": self.kind, "metadata": metadata, "spec": self.spec}

    def stored(self) -> bytes:
        """The version as the store keeps it."""
        return orjson.dumps({"spec": self.spec, "at": self.at, "by": self.by, "reason": self.reason})

    @classmethod
    def from_stored(cls, kind: str, name: str, revision: int, data: bytes) -> "Version":
        """A version read back."""
        kept = orjson.loads(data)
        return cls(kind, name, kept["spec"], revision, kept["at"], kept["by"], kept["reason"])


def service_name(service: str, major: int) -> str:
    """The name of the document that holds a service's contract."""
    return f"{service}-v{major}"


def from_contract(contract: dict[str, Any]) -> dict[str, Any]:
    """The Service document that publishes a contract, as a catalogue's file holds it."""
    name = service_name(str(contract.get("service")), int(str(contract.get("version", "0")).split(".")[0] or 0))
    return {"apiVersion": API_VERSION, "kind": "Service", "metadata": {"name": name}, "spec": {"contract": contract}}
