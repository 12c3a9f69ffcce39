"""What was last applied from files, beside what a document says now: which set of files, which version, and the digest of its content.

A province keeps its documents in a repository and applies them (`lgsp apply --set`). Every later version carries the mark on, whoever
writes it, so that the newest version alone tells whether the document still says what the files said, and which version to compare with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Applied:
    """How a document was last applied.

    Args:
        manifest_set: the name of the set of files.
        revision: of the version that was applied; 0 for the one that carries this mark.
        digest: SHA-256 of its content, in hexadecimal.
    """

    manifest_set: str
    revision: int
    digest: str

    @classmethod
    def now(cls, manifest_set: str, spec: Mapping[str, Any]) -> "Applied":
        """Return the mark of a version that is being applied."""
        return cls(manifest_set, 0, digest_of(spec))

    @classmethod
    def from_document(cls, document: Mapping[str, Any], revision: int) -> "Applied":
        """Read a mark as it is stored.

        Args:
            revision: of the version that carries it.
        """
        return cls(str(document["set"]), int(document["revision"]) or revision, str(document["sha256"]))

    def document(self) -> dict[str, Any]:
        """Return it as it is stored and as the API shows it."""
        return {"set": self.manifest_set, "revision": self.revision, "sha256": self.digest}


def digest_of(spec: Mapping[str, Any]) -> str:
    """Return the digest of what a document says, the same for every order of its keys."""
    return sha256(orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)).hexdigest()
