"""What fields and codes are called (`x-lgsp-title`, `x-lgsp-titles`): texts for people, which change nothing that a contract promises to programs."""

from collections.abc import Mapping
from typing import Any, Final

from lgsp_contracts.compatibility.comparison import text_of

_LANGUAGES: Final = frozenset({"vi", "en"})


def differ_in_titles_alone(before: Any, after: Any) -> bool:
    """Tell whether two contracts are different documents, yet the same without the titles of their fields and codes.

    A property that happens to carry the name of one of the keywords is a schema and no text, so it counts.

    Args:
        before, after: the documents of the contracts.
    """
    return text_of(before) != text_of(after) and text_of(_untitled(before)) == text_of(_untitled(after))


def _untitled(document: Any) -> Any:
    if isinstance(document, Mapping):
        return {name: _untitled(value) for name, value in document.items() if not _is_title(name, value)}
    return list(map(_untitled, document)) if isinstance(document, list) else document


def _is_title(name: str, value: Any) -> bool:
    if name == "x-lgsp-title":
        return _is_text(value)
    return name == "x-lgsp-titles" and isinstance(value, Mapping) and all(map(_is_text, value.values()))


def _is_text(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and _LANGUAGES.issuperset(value)
        and all(isinstance(text, str) for text in value.values())
    )
