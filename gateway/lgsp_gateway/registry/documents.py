"""The kinds of documents, what they are called in paths, and what a document is.

Kubernetes' shape: `apiVersion`, `kind`, `metadata`, `spec`. The registry adds to `metadata` what it knows of a version:
`revision`, `updatedAt`, `updatedBy`, `reason`, `applied`.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from lgsp_contracts.names import DocumentName, Major, ServiceName
from lgsp_gateway.registry.applied import Applied

API_VERSION = "lgsp/v1"

PLURALS = {
    "instances": "Instance",
    "agencies": "Agency",
    "purposes": "Purpose",
    "persons": "Person",
    "systems": "System",
    "services": "Service",
    "grants": "Grant",
}
"""The kinds as paths name them, in the order in which they refer to each other."""

KINDS = tuple(PLURALS.values())

DocumentSpec = dict[str, Any]

Exchange = tuple[Literal["operations", "events"], str]
"""An operation or an event of a contract: in which of its sections, and its name."""


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """One version of a document, as the store keeps it.

    `data` stays bytes until somebody asks: parsed, a province's registry takes three times the memory (measured with
    100,000 grants and 10,000 services).
    """

    kind: str
    name: DocumentName
    revision: int
    data: bytes

    @classmethod
    def of(
        cls,
        kind: str,
        name: DocumentName,
        spec: DocumentSpec | None,
        revision: int,
        at: int,
        by: str,
        reason: str,
        status: DocumentSpec | None = None,
    ) -> "DocumentVersion":
        """Make a version from its parts. `spec` is None where the document is deleted; `at` is in ms since 1970."""
        content = {"spec": spec, "at": at, "by": by, "reason": reason} | ({"status": status} if status else {})
        return cls(kind, name, revision, orjson.dumps(content))

    def with_mark(self, applied: Applied | None) -> "DocumentVersion":
        """Return the version with how the document was last applied from files."""
        if applied is None:
            return self
        content = {**orjson.loads(self.data), "applied": applied.document()}
        return replace(self, data=orjson.dumps(content))

    @property
    def etag(self) -> str:
        """Return the entity tag of this version (RFC 9110, section 8.8.3)."""
        return f'"{self.revision}"'

    @property
    def spec(self) -> DocumentSpec | None:
        """Return the `spec` of the document; None where it was deleted. It is parsed at each call."""
        spec: DocumentSpec | None = orjson.loads(self.data)["spec"]
        return spec

    @property
    def status(self) -> DocumentSpec:
        """Return what the registry has decided about the document; empty where there was nothing to decide."""
        status: DocumentSpec = orjson.loads(self.data).get("status", {})
        return status

    @property
    def applied(self) -> Applied | None:
        """Return how the document was last applied from files; None where it never was."""
        if b'"applied":' not in self.data:  # most versions are not worth parsing for it
            return None
        mark = orjson.loads(self.data).get("applied")
        return Applied.from_document(mark, self.revision) if mark else None

    @property
    def at(self) -> int:
        """Return when this version was written, in milliseconds since 1970."""
        at: int = orjson.loads(self.data)["at"]
        return at

    def spec_and_status(self) -> tuple[DocumentSpec | None, DocumentSpec]:
        """Both, parsed once."""
        content = orjson.loads(self.data)
        return content["spec"], content.get("status", {})

    def document(self) -> dict[str, Any]:
        """Return the document as the API returns it."""
        content = orjson.loads(self.data)
        metadata: dict[str, Any] = {
            "name": self.name,
            "revision": self.revision,
            "updatedAt": content["at"],
            "updatedBy": content["by"],
        }
        if content["reason"]:
            metadata["reason"] = content["reason"]
        if "applied" in content:
            metadata["applied"] = Applied.from_document(content["applied"], self.revision).document()
        document = {"apiVersion": API_VERSION, "kind": self.kind, "metadata": metadata, "spec": content["spec"]}
        return document | ({"status": content["status"]} if "status" in content else {})


def service_name(service: str, major: int) -> DocumentName:
    """Return the name of the document that holds a service's contract."""
    return DocumentName(f"{service}-v{major}")  # of a service and a major that a schema has held


def service_and_major(name: DocumentName) -> tuple[ServiceName, Major]:
    """Return the service and the major version in the name of a Service document, which must be those of its contract."""
    service, _, major = name.rpartition("-v")
    return ServiceName(service), Major(int(major))


def from_contract(contract: dict[str, Any]) -> dict[str, Any]:
    """Return the Service document that publishes a contract, as a catalogue's file holds it."""
    name = service_name(str(contract.get("service")), int(str(contract.get("version", "0")).split(".")[0] or 0))
    return {"apiVersion": API_VERSION, "kind": "Service", "metadata": {"name": name}, "spec": {"contract": contract}}


def is_same_json(one: Any, other: Any) -> bool:
    """Are two documents the same JSON? `==` takes 1, 1.0 and true for one another."""
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)
