"""Inclusion of JSON Schemas: whether one accepts every document that another accepts.

The question is undecidable in general, so the answer is conservative: a rule of the narrower schema counts as satisfied only where that
follows from the wider one, keyword by keyword. Anything that cannot be proven is a difference, and so is a keyword without a rule. Tests
compare the verdicts with a validator, over schemas and documents that hypothesis generates.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from lgsp_contracts.compatibility import applicator_rules, array_rules, object_rules, value_rules
from lgsp_contracts.compatibility.comparison import Comparison, Difference, Kind, Pair, Rule, text_of
from lgsp_contracts.compatibility.conjunction import Conjunction, Subschema

_WITHOUT_RULES = (
    *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "$schema"),
    *("$id", "$defs", "definitions", "contentEncoding", "contentMediaType", "contentSchema"),
    *("example", "nullable", "discriminator", "externalDocs", "xml"),  # of OpenAPI 3.0, not of JSON Schema
    *("then", "else", "minContains", "maxContains"),  # compared with the keyword that they belong to
)
_MOVE_REFERENCES = frozenset({"$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$recursiveAnchor"})


def _no_differences(_: Comparison, __: Pair) -> Iterable[Difference]:
    return ()


RULES: dict[str, Rule] = {
    **dict.fromkeys(_WITHOUT_RULES, _no_differences),
    **value_rules.RULES,
    **array_rules.RULES,
    **object_rules.RULES,
    **applicator_rules.RULES,
}


def differences(wide: Any, narrow: Any) -> list[Difference]:
    """Find where a schema may reject what another one accepts.

    Args:
        wide: the schema whose documents must all be accepted.
        narrow: the schema that must accept them.

    Returns:
        The differences; empty only where every document valid under `wide` is valid under `narrow`.
    """
    if _moves_references(wide, is_root=True) or _moves_references(narrow, is_root=True):
        return [] if text_of(wide) == text_of(narrow) else [Difference((), Kind.UNKNOWN)]
    documents = Conjunction([Subschema(wide, wide)])
    return Comparison(RULES).differences(Pair(documents, Subschema(narrow, narrow)))


def _moves_references(schema: Any, *, is_root: bool = False) -> bool:
    """Tell whether a keyword makes a reference mean something else than a JSON Pointer from the root."""
    if isinstance(schema, Mapping):
        keys = schema.keys() - ({"$id"} if is_root else set())
        return not keys.isdisjoint(_MOVE_REFERENCES) or any(map(_moves_references, schema.values()))
    return isinstance(schema, list) and any(map(_moves_references, schema))
