"""Summaries of contracts for lists of services, read from the document without checking or compiling it.

Compiling a contract takes half a millisecond, or fifty for a large one; a list shows hundreds of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_problems import Text


@dataclass(frozen=True, slots=True)
class OperationSummary:
    """The summary of an operation. `request` is its example."""

    name: str
    title: Text
    classification: str
    request: Any


@dataclass(frozen=True, slots=True)
class ContractSummary:
    """The summary of a contract."""

    service: str
    version: str
    title: Text
    description: Text | None
    provider: str
    classification: str
    listed: bool
    operations: Mapping[str, OperationSummary]

    @property
    def major(self) -> int:
        """Return the major version, which a caller names in the path."""
        return int(self.version.split(".", 1)[0])

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "ContractSummary":
        """Read a contract document that was checked before.

        Raises:
            KeyError, TypeError, ValueError: the document is no valid contract.
        """
        classification = document["classification"]
        return cls(
            service=document["service"],
            version=document["version"],
            title=Text(**document["title"]),
            description=Text(**document["description"]) if document.get("description") else None,
            provider=document["provider"],
            classification=classification,
            listed=document.get("listed", True),
            operations={
                name: OperationSummary(
                    name,
                    Text(**content["title"]),
                    content.get("classification", classification),
                    content["example"]["request"],
                )
                for name, content in document["operations"].items()
            },
        )

    def searched_text(self) -> str:
        """Return the text that a word search compares with, case-folded."""
        titles = [self.title, *(operation.title for operation in self.operations.values())]
        titles += [self.description] if self.description else []
        names = [self.service, self.provider, *self.operations]
        return "\n".join([*names, *(f"{title.vi}\n{title.en}" for title in titles)]).casefold()
