"""Summaries of contracts for lists of services, read from the document without checking or compiling it.

Compiling a contract takes half a millisecond, or fifty for a large one; a list shows hundreds of them.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_contracts.field_names import unaccented
from lgsp_problems import Text

_HOLDERS = ("items", "anyOf", "oneOf", "allOf")
_DEFINITIONS = ("$defs", "definitions")


@dataclass(frozen=True, slots=True)
class OperationSummary:
    """The summary of an operation. `request` is its example."""

    name: str
    title: Text
    classification: str
    request: Any


@dataclass(frozen=True, slots=True)
class EventSummary:
    """The summary of an event. `data` is its example."""

    name: str
    title: Text
    classification: str
    data: Any


@dataclass(frozen=True, slots=True)
class ContractSummary:
    """The summary of a contract. `fields` are the names and titles of the fields of its documents."""

    service: str
    version: str
    title: Text
    description: Text | None
    provider: str
    classification: str
    listed: bool
    operations: Mapping[str, OperationSummary]
    events: Mapping[str, EventSummary]
    fields: tuple[str, ...] = ()

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
                for name, content in document.get("operations", {}).items()
            },
            events={
                name: EventSummary(
                    name, Text(**content["title"]), content.get("classification", classification), content["example"]
                )
                for name, content in document.get("events", {}).items()
            },
            fields=tuple(dict.fromkeys(field for schema in _schemas(document) for field in _fields(schema))),
        )

    def searched_text(self) -> str:
        """Return the text that a word search compares with, case-folded: as it is written, and without accents.

        A word with accents is found as it is written alone, so that `đất` does not find `data`.
        """
        titles = [self.title, *(operation.title for operation in self.operations.values())]
        titles += [event.title for event in self.events.values()]
        titles += [self.description] if self.description else []
        names = [self.service, self.provider, *self.operations, *self.events, *self.fields]
        text = unicodedata.normalize(
            "NFC", "\n".join([*names, *(f"{title.vi}\n{title.en}" for title in titles)]).casefold()
        )
        return f"{text}\n{unaccented(text)}"


def searched_words(query: str) -> list[str]:
    """Return the words of a query as `searched_text` is written."""
    return unicodedata.normalize("NFC", query.casefold()).split()


def _schemas(document: Mapping[str, Any]) -> Iterator[Any]:
    for operation in document.get("operations", {}).values():
        yield from (operation["request"], operation["response"])
    for event in document.get("events", {}).values():
        yield event["data"]


def _fields(schema: Any) -> Iterator[str]:
    """Yield the names and titles of the fields that a schema declares, at any depth."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        if not isinstance(part, Mapping):
            continue
        properties = part.get("properties")
        if isinstance(properties, Mapping):
            for name, field in properties.items():
                yield name
                if isinstance(field, Mapping) and isinstance(field.get("title"), str):
                    yield field["title"]
            waiting += properties.values()
        waiting += [part[key] for key in _HOLDERS if key in part]
        for key in _DEFINITIONS:
            if isinstance(part.get(key), Mapping):
                waiting += part[key].values()
