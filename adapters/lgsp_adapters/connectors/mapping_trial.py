"""Tries the mapping of one operation on a request and on an answer in a file: each expression with its value, and what a caller would get.

Nothing is sent and no secret is read: a value of the connection that comes from the environment or a file is shown as its name in braces, and so
is what a login would have returned and what is computed of the request as it is sent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from yarl import URL

from lgsp_adapters.adapter import Call, Declared, UpstreamFailed
from lgsp_adapters.connectors import sample_answers
from lgsp_adapters.connectors.manifest_templates import ManifestTemplate, templates
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.error_rules import ErrorRules, evaluate
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.trace import TracedExpression, evaluate_expression, trace
from lgsp_adapters.mapping.variables import request_scope
from lgsp_adapters.upstream import sent_request
from lgsp_contracts import whole_numbers
from lgsp_contracts.contract import Operation
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal, Violation

_OF_ANSWERS = frozenset({"answer", "row", "rows"})
"""Variables that an expression has only after the system has answered."""

_BAD = 400
_NO_PAGES: list[Any] = []


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a caller would get; one of the three.

    Args:
        answer: the document, and `violations` of the contract by it.
        declared: the code of an error of the contract.
        failure: why there is no answer.
    """

    answer: Any = None
    violations: list[Violation] = field(default_factory=list)
    declared: str = ""
    failure: str = ""


class MappingTrial:
    """A mapping with the variables of one call.

    Args:
        request: as the contract allows it.
        call: who asks.
        answer: the content of a file with an answer; None for the side of the request alone.
        status: of HTTP, with the answer.

    Raises:
        Refusal: `invalid-document`, when the answer is none.
    """

    def __init__(
        self, manifest: Manifest, operation: Operation, request: Any, call: Call, answer: bytes | None, status: int
    ) -> None:
        self._manifest = manifest
        self._operation = operation
        self._document: Mapping[str, Any] = manifest.operations.get(operation.name, {})
        self._location = manifest.location / "operations" / operation.name
        self._status = status
        sent = dict.fromkeys(sent_request.variables("", URL(), b"", {}))
        before = {
            **request_scope(manifest.connection, request, call),
            "session": _session(manifest),
            "sent": {name: f"{{sent.{name}}}" for name in sent} | {"headers": {}},
        }
        self.has_answer = answer is not None
        self._scope: Scope = before
        if answer is not None:
            self._scope = {**before, **sample_answers.variables(manifest, operation.name, answer, status)}
            self._scope = {**self._scope, **self._items_of_a_page()}

    def expressions(self) -> Iterator[TracedExpression]:
        """Yield each expression of the operation with its value: those of the request, then those of the answer."""
        found = [template for template in templates(self._manifest) if template.belongs_to(self._operation.name)]
        of_request = [one for one in found if "request" in one.names and _OF_ANSWERS.isdisjoint(one.names)]
        of_answer = [
            one for one in found if not _OF_ANSWERS.isdisjoint(one.names) and not one.scope.startswith("login")
        ]
        for template in of_request + of_answer if self.has_answer else of_request:
            yield from (one for one in self._trace(template) if not (one.error and _is_note(template)))

    def expression(self, text: str) -> TracedExpression:
        """Evaluate one expression that is in no manifest."""
        return evaluate_expression(text, SourceLocation("expression"), self._scope, "expression")

    def outcome(self) -> Outcome | None:
        """Return what a caller would get for the answer; None where the manifest does not say, or without an answer."""
        mapping, schema = self._document.get("answer"), self._operation.response
        location = self._location / "answer"
        if "request" in self._manifest.document:  # of a connector that calls a service for each row
            mapping, schema = self._manifest.document["request"], self._operation.request
            location = self._manifest.location / "request"
        if mapping is None or not self.has_answer:
            return None
        try:
            self._apply_rules()
            if self._scope.get("items", _NO_PAGES) is None:
                return Outcome(failure="unintelligible: the page has no list of items, not even an empty one")
            answer = evaluate(Template(mapping, location, tuple(self._scope)), self._scope)
        except Declared as declared:
            return Outcome(declared=declared.code)
        except UpstreamFailed as failed:
            return Outcome(failure=f"{failed.why}: {failed.private}")
        except Refusal as refusal:
            return Outcome(failure=refusal.detail.en)
        answer = whole_numbers.whole_numbers(schema.document)(answer)
        return Outcome(answer=answer, violations=schema.violations(answer))

    def _apply_rules(self) -> None:
        """Apply the rules for errors as connectors do.

        Raises:
            Declared, UpstreamFailed: as the first rule says that holds.
            Refusal: a rule is no expression.
        """
        rules = [rule for rule in self._document.get("errors", []) if "when" in rule]
        successful = self._status < _BAD and not self._scope.get("fault")
        ErrorRules(rules, self._location / "errors", tuple(self._scope)).apply(self._scope, successful=successful)
        none = self._document.get("none")
        if none and (self._status == 404 or (successful and not self._scope.get("rows", self._scope.get("answer")))):
            raise Declared(none)
        if not successful:
            raise UpstreamFailed("broken", f"HTTP {self._status}, and no rule in errors says what that means")

    def _trace(self, template: ManifestTemplate) -> Iterator[TracedExpression]:
        key = _key(template.location, self._operation.name)
        scope = {name: self._scope.get(name) for name in template.names}
        if template.kind == "path":
            for part in template.parts():
                yield evaluate_expression(part.expression, part.location, scope, key)
        elif template.kind != "statement":
            yield from trace(template.document, template.location, scope, key)

    def _items_of_a_page(self) -> dict[str, Any]:
        """Return the variable `items` where the answer is one page of a list."""
        pages = self._document.get("pages", {})
        if "items" not in pages:
            return {}
        items = evaluate_expression(
            pages["items"], self._location / "pages" / "items", self._scope, "pages.items"
        ).value
        return {"items": items if isinstance(items, list) else None}


def _is_note(template: ManifestTemplate) -> bool:
    """Tell whether a template is the note of a rule, which is evaluated only where the rule holds."""
    return template.location.path[-1:] == ("note",)


def _session(manifest: Manifest) -> dict[str, Any]:
    login = manifest.document.get("authentication", {}).get("login", {})
    names = {"access_token", *login.get("session", {})} if isinstance(login, dict) else {"access_token"}
    return {name: f"{{session.{name}}}" for name in sorted(names)}


def _key(location: SourceLocation, operation: str) -> str:
    """Write the key of a template as in the manifest, without the operation around it."""
    path = location.path[2:] if location.path[:2] == ("operations", operation) else location.path
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in path).removeprefix(".")
