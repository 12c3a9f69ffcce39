"""Rules of a manifest that turn an answer of a system into an error: "errors in a 200".

    errors:
      - when: answer.error_code == '404'
        is: enterprise-not-found                # an error that the contract declares
      - when: contains(['401', '900901'], answer.error_code)
        failed: refused                         # or broken, unintelligible, unreachable

The first rule that holds counts. `note` says more for the adapter's log: at most 40 characters, since a system may quote
a person's data in what it calls an error.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from lgsp_adapters.adapter import Declared, UpstreamFailed
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.wire import Failure

NOTE = 40
_OF_ERRORS = re.compile(r"(?<![.\w'])(status|fault|faultcode|subcode|faultstring|detail)\b")
"""The variables that describe the status or the fault of an answer."""


@dataclass(frozen=True, slots=True)
class _Rule:
    when: Template
    declared: str
    failed: Failure
    note: Template


class ErrorRules:
    """The `errors` of one operation."""

    def __init__(self, document: list[Mapping[str, Any]], location: SourceLocation, names: tuple[str, ...]) -> None:
        self._rules = [
            _Rule(
                Template(rule["when"], location / number / "when", names),
                rule.get("is", ""),
                cast("Failure", rule.get("failed", "broken")),
                Template(rule.get("note"), location / number / "note", names),
            )
            for number, rule in enumerate(document)
        ]

    def apply(self, scope: Scope, *, successful: bool = True) -> None:
        """Apply the rules to an answer.

        Args:
            successful: the answer has a good status and is no fault. Where it is an error, a rule that would hold for no answer at all, such as
                `!(answer.person)`, says nothing: an office that is down is no "not on record".

        Raises:
            Declared, UpstreamFailed: as the first rule says that holds.
        """
        for rule in self._rules:
            if not evaluate(rule.when, scope) or not (successful or self._speaks_of_errors(rule, scope)):
                continue
            if rule.declared:
                raise Declared(rule.declared)
            raise UpstreamFailed(rule.failed, str(evaluate(rule.note, scope) or rule.when.location)[:NOTE])

    def _speaks_of_errors(self, rule: _Rule, scope: Scope) -> bool:
        if _OF_ERRORS.search(str(rule.when.document)):
            return True
        return not evaluate(rule.when, {**scope, "answer": None})


def evaluate(template: Template, scope: Scope) -> Any:
    """Evaluate a template over what a system answered.

    Raises:
        UpstreamFailed: `unintelligible`, when a value does not fit it.
    """
    try:
        return template(scope)
    except MappingError as unmappable:
        raise UpstreamFailed("unintelligible", str(unmappable)) from unmappable
