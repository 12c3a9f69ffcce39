"""JSON Pointers (RFC 6901), to the extent that contracts need them."""

from collections.abc import Iterable
from typing import Any


def join(parts: Iterable[str | int]) -> str:
    """Write the pointer of a path: `["a/b", 0]` → `/a~1b/0`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def split(pointer: str) -> tuple[str, ...]:
    """Read the path of a pointer: `/a~1b/0` → `("a/b", "0")`.

    Raises:
        ValueError: the pointer is neither empty nor begins with a slash.
    """
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise ValueError(f"a JSON Pointer begins with a slash: {pointer!r}")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def find(document: Any, path: tuple[str, ...]) -> Any:
    """Follow a path through objects; None where it leads nowhere."""
    for part in path:
        if not isinstance(document, dict):
            return None
        document = document.get(part)
    return document
