"""References within one document: resolving a `$ref`, and rebasing it when the document becomes part of another."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from lgsp_contracts import pointers

MAX_STEPS = 20
"""References that follow each other."""


def resolve(reference: str, root: Any) -> Any:
    """Resolve a `$ref` within its document.

    Returns:
        The schema, or None where the reference is not a JSON Pointer or leads nowhere.
    """
    if not reference.startswith("#"):
        return None
    try:
        path = pointers.split(unquote(reference[1:]))
    except ValueError:  # an anchor
        return None
    target = root
    for part in path:
        if isinstance(target, Mapping) and part in target:
            target = target[part]
        elif isinstance(target, list) and part.isdecimal() and int(part) < len(target):
            target = target[int(part)]
        else:
            return None
    return target


def follow(schema: Any, root: Any) -> Mapping[str, Any]:
    """Follow the `$ref` of a schema, and those of what it leads to, within the document.

    Returns:
        The schema without a reference; an empty one, which demands nothing, where they lead to no object, such as to `true`, or in a circle.
    """
    for _ in range(MAX_STEPS):
        if not isinstance(schema, Mapping):
            break
        if not isinstance(schema.get("$ref"), str):
            return schema
        schema = resolve(schema["$ref"], root)
    return {}


def rebase(schema: Any, base: str) -> Any:
    """Copy a schema for another document, with its references changed to its new root.

    Args:
        base: the reference of the new root, such as `#/components/schemas/lookup.request`.
    """
    if isinstance(schema, Mapping):
        return {
            key: base + value[1:] if key == "$ref" and isinstance(value, str) else rebase(value, base)
            for key, value in schema.items()
        }
    return [rebase(item, base) for item in schema] if isinstance(schema, list) else schema
