"""Does one JSON Schema take every document that another one takes?

The question has no answer for all schemas, so the answer leans to one side: a rule of the narrower schema counts as kept only where that
follows from the wider one, keyword by keyword. What cannot be shown is a difference, and so is a keyword that has no rule here. Tests hold
the verdicts against a validator, over schemas and documents that hypothesis makes.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from lgsp_contracts.compatibility import applicator_rules, array_rules, object_rules, value_rules
from lgsp_contracts.compatibility.comparison import Comparison, Difference, Kind, Pair, Rule, text_of
from lgsp_contracts.compatibility.conjunction import Conjunction, Subschema

_SAY_NOTHING = (
    *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "$schema"),
    *("$id", "$defs", "definitions", "contentEncoding", "contentMediaType", "contentSchema"),
    *("example", "nullable", "discriminator", "externalDocs", "xml"),  # of OpenAPI 3.0, no rules of JSON Schema
    *("then", "else", "minContains", "maxContains"),  # looked at with the keyword that they belong to
)
_MOVE_REFERENCES = frozenset({"$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$recursiveAnchor"})


def _nothing(_: Comparison, __: Pair) -> Iterable[Difference]:
    return ()


RULES: dict[str, Rule] = {
    **dict.fromkeys(_SAY_NOTHING, _nothing),
    **value_rules.RULES,
    **array_rules.RULES,
    **object_rules.RULES,
    **applicator_rules.RULES,
}


def differences(wide: Any, narrow: Any) -> list[Difference]:
    """Find where a schema may refuse what another one takes.

    Args:
        wide: the schema whose documents must all be taken.
        narrow: the schema that must take them.

    Returns:
        The differences; empty only when every document that keeps `wide` keeps `narrow`.
    """
    if _moves_references(wide, is_root=True) or _moves_references(narrow, is_root=True):
        return [] if text_of(wide) == text_of(narrow) else [Difference((), Kind.UNKNOWN)]
    documents = Conjunction([Subschema(wide, wide)])
    return Comparison(RULES).differences(Pair(documents, Subschema(narrow, narrow)))


def _moves_references(schema: Any, *, is_root: bool = False) -> bool:
    """Is there something by which a reference means another place than a JSON Pointer from the root?"""
    if isinstance(schema, Mapping):
        keys = schema.keys() - ({"$id"} if is_root else set())
        return not keys.isdisjoint(_MOVE_REFERENCES) or any(map(_moves_references, schema.values()))
    return isinstance(schema, list) and any(map(_moves_references, schema))
