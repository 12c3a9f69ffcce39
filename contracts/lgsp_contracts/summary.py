"""What lists of services show of a contract, taken from its document as it stands: nothing is checked, nothing compiled.

Compiling a contract takes half a millisecond, or fifty where it is large; a list shows hundreds of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_problems import Text


@dataclass(frozen=True, slots=True)
class OperationSummary:
    """An operation as lists show it. `request` is its example."""

    name: str
    title: Text
    classification: str
    request: Any


@dataclass(frozen=True, slots=True)
class ContractSummary:
    """A contract as lists show it."""

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
        """The part of its version that a caller names in the path."""
        return int(self.version.split(".", 1)[0])

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "ContractSummary":
        """Read a contract document that was checked before.

        Raises:
            KeyError, TypeError, ValueError: it was not.
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
        """Everything that a search for words looks at, in the form in which words are compared."""
        titles = [self.title, *(operation.title for operation in self.operations.values())]
        titles += [self.description] if self.description else []
        names = [self.service, self.provider, *self.operations]
        return "\n".join([*names, *(f"{title.vi}\n{title.en}" for title in titles)]).casefold()
