"""References inside one document: where `$ref` leads, and how it is written when the document becomes a part of another."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from lgsp_contracts import pointers


def resolve(reference: str, root: Any) -> Any:
    """Follow a `$ref` into its own document.

    Returns:
        The schema, or None where it leads to nothing that a JSON Pointer reaches.
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


def rebase(schema: Any, base: str) -> Any:
    """Copy a schema whose references begin at its own root into a document where that root stands elsewhere.

    Args:
        base: the reference of its new root, such as `#/components/schemas/lookup.request`.
    """
    if isinstance(schema, Mapping):
        return {
            key: base + value[1:] if key == "$ref" and isinstance(value, str) else rebase(value, base)
            for key, value in schema.items()
        }
    return [rebase(item, base) for item in schema] if isinstance(schema, list) else schema
