"""Checks what the expressions of a manifest refer to: fields of the request, values of the connection, parts of `call` and `now`.

A name that does not exist is null in JMESPath and leaves its field out of every answer without a word. A field of the request that no expression
uses is a criterion that a caller gives and the system never sees.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.name_suggestions import suggestion
from lgsp_adapters.mapping.references import Path, references
from lgsp_adapters.mapping.template_parts import TemplatePart
from lgsp_adapters.mapping.variables import FIELDS
from lgsp_contracts.contract import Operation
from lgsp_contracts.references import follow
from lgsp_contracts.source_location import DocumentRefusal, SourceLocation

Node = Mapping[str, Any]
_MAX_DEPTH = 20


def unknown_names(part: TemplatePart, manifest: Manifest) -> Iterator[DocumentRefusal]:
    """Yield the names in an expression that neither the connection of the manifest, nor `call`, nor `now` has."""
    for path in sorted(references(part.expression)):
        if path[0] in FIELDS and len(path) > 1:
            yield from _unknown(path[:2], FIELDS[path[0]], part.location)
        elif path[0] == "connection":
            known: Any = manifest.connection
            for length in range(1, len(path)):
                if not isinstance(known, Mapping):
                    break
                yield from _unknown(path[: length + 1], known, part.location)
                known = known.get(path[length])


def unknown_request_fields(part: TemplatePart, operation: Operation) -> Iterator[DocumentRefusal]:
    """Yield the fields of the request in an expression that the contract does not have."""
    root = operation.request.document
    for path in sorted(references(part.expression)):
        schema: Node = root if path[0] == "request" else {}
        for length in range(1, len(path)):
            schema = follow(schema, root)
            if schema.get("additionalProperties") is False:
                yield from _unknown(path[: length + 1], schema.get("properties", {}), part.location)
            schema = schema.get("properties", {}).get(path[length], {})


def unused_request_fields(parts: Iterable[TemplatePart], operation: Operation) -> list[str]:
    """List the fields of a request, such as `diaChi.maXa`, that no expression uses."""
    used = {path[1:] for part in parts for path in references(part.expression) if path[0] == "request"}
    root = operation.request.document
    return [".".join(path) for path in _fields(root, root, ()) if not any(_covers(one, path) for one in used)]


def _covers(used: Path, field: Path) -> bool:
    """Tell whether the use of a path uses a field: it is that field, within it, or around it."""
    shorter = min(len(used), len(field))
    return used[:shorter] == field[:shorter]


def _fields(schema: Any, root: Node, path: Path) -> Iterator[Path]:
    """Yield the paths of the innermost fields of objects."""
    schema = follow(schema, root) if len(path) < _MAX_DEPTH else {}
    properties = schema.get("properties", {})
    for name, inner in properties.items():
        yield from _fields(inner, root, (*path, name))
    if not properties and path:
        yield path


def _unknown(path: Path, known: Iterable[str], location: SourceLocation) -> Iterator[DocumentRefusal]:
    """Yield a fault where the last name of a path is not among those that are known."""
    names = list(known)
    if path[-1] in names:
        return
    around, name = ".".join(path[:-1]), path[-1]
    hint = suggestion(name, names)
    yield location.refusal(f"{around} không có {name}; {hint.vi}", f"{around} has no {name}; {hint.en}")
