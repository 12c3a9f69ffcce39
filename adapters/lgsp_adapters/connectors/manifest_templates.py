"""The templates of a manifest, found by the schema of its connector, so that a check or a trace of them knows no connector.

A schema marks them: `$ref` to `expression`, to `mapping` (a document of expressions), to `texts` (an expression for each name) or to `path`
(expressions in braces). The keyword `variables`, of the key or of the nearest one around it, names the variables that the expressions may
use; the schema lists them under `variables` at its root. An object whose names are further variables says with `declares` of which list. A
`statement` of SQL is no template, and yet uses a field of the request for each `:name` that has no expression.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lgsp_adapters.connectors.manifest_keys import root_schema
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.template_parts import TemplatePart, parts
from lgsp_adapters.upstream.request_templates import path_expressions
from lgsp_contracts.schema_keys import definition_name, resolve
from lgsp_contracts.source_location import SourceLocation

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ManifestTemplate:
    """One template of a manifest.

    Args:
        kind: `expression`, `mapping`, `texts`, `path` or `statement`.
        document: as written in the manifest.
        scope: the name of its variables in the schema: `request`, `response`, `row`, `login`, …
        names: those variables.
    """

    kind: str
    document: Any
    location: SourceLocation
    scope: str
    names: tuple[str, ...]

    def parts(self) -> Iterator[TemplatePart]:
        """Yield its expressions."""
        if self.kind == "statement":
            return
        if self.kind == "path":
            found = path_expressions(self.document) if isinstance(self.document, str) else []
            yield from (TemplatePart(expression, self.location, self.names) for expression in found)
        else:
            yield from parts(self.document, self.location, self.names)

    def implicit_fields(self) -> set[str]:
        """Return the fields of the request that a statement may take by their names alone."""
        return (
            set(_PARAMETER.findall(self.document))
            if self.kind == "statement" and isinstance(self.document, str)
            else set()
        )

    def belongs_to(self, operation: str) -> bool:
        """Tell whether the template is that of an operation, or of all of them."""
        path = self.location.path
        return path[:1] != ("operations",) or path[1:2] == (operation,)


_JSON_TYPES: Mapping[type, str] = {dict: "object", list: "array", str: "string"}
KINDS = ("expression", "mapping", "texts", "path", "statement")
_PARAMETER = re.compile(r"(?<![:\w\\]):(\w+)")


def templates(manifest: Manifest) -> Iterator[ManifestTemplate]:
    """Yield the templates of a manifest in the order of the schema. Parts that do not keep the schema are passed over."""
    root, definitions = root_schema(manifest.kind)
    yield from _Walk(root.get("variables", {}), definitions).walk(root, manifest.document, manifest.location, "request")


@dataclass(frozen=True, slots=True)
class _Walk:
    variables: Mapping[str, list[str]]
    definitions: Schema

    def walk(self, schema: Schema, value: Any, location: SourceLocation, scope: str) -> Iterator[ManifestTemplate]:
        kind = definition_name(schema)
        schema = resolve(schema, self.definitions)
        named = schema.get("variables", scope)
        scope = named if isinstance(named, str) else scope  # at the root it is the list of them
        if kind in KINDS:
            yield ManifestTemplate(kind, value, location, scope, tuple(self.variables.get(scope, ())))
        elif isinstance(value, dict):
            properties, others = schema.get("properties", {}), schema.get("additionalProperties")
            walk = self._with_declared(properties, value)
            for name, inner in value.items():
                part = properties.get(name, others)
                if isinstance(part, dict):
                    yield from walk.walk(part, inner, location / name, scope)
        elif isinstance(value, list) and isinstance(schema.get("items"), dict):
            for number, inner in enumerate(value):
                yield from self.walk(schema["items"], inner, location / number, scope)
        wanted = _JSON_TYPES.get(type(value))
        for alternative in schema.get("anyOf", ()) if kind not in KINDS else ():
            if resolve(alternative, self.definitions).get("type") == wanted:
                yield from self.walk(alternative, value, location, scope)

    def _with_declared(self, properties: Schema, value: Mapping[str, Any]) -> "_Walk":
        """Add the variables that parts of an object declare by their names."""
        variables = dict(self.variables)
        for name, part in properties.items():
            declared, given = part.get("declares"), value.get(name)
            if declared and isinstance(given, dict):
                variables[declared] = [*variables.get(declared, ()), *given]
        return replace(self, variables=variables)
