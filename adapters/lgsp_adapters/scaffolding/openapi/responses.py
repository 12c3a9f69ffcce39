"""Responses of an OpenAPI operation: the answer and the errors of the contract, and the mapping to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from lgsp_adapters.scaffolding.manifests import quoted_field
from lgsp_adapters.scaffolding.openapi.parameters import resolved, with_media_example
from lgsp_adapters.scaffolding.openapi.schemas import SchemaReader
from lgsp_adapters.scaffolding.openapi.shapes import (
    MISSING,
    Field,
    Node,
    Record,
    Sequence,
    Value,
    answer_mapping,
    schema,
)
from lgsp_contracts.tooling import drafts

Document = dict[str, Any]

_SUCCESS = ("200", "201", "202", "203", "2XX", "204", "205", "default")
_OF_THE_PROVIDER = (401, 403, 405, 406, 407, 408, 415, 429)
"""Statuses that say nothing to the consumer: the adapter's credentials, its limits, or a fault of the manifest."""
_NOT_FOUND = 404
_OUTCOME_FIELDS = (
    "success",
    "status",
    "statusCode",
    "code",
    "error",
    "errorCode",
    "errCode",
    "result",
    "message",
    "maLoi",
    "maKetQua",
)
_JMESPATH_TYPES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}


@dataclass(slots=True)
class ResponseDraft:
    """The answer and the errors of an operation."""

    record: Record
    answer: Document
    errors: Document = field(default_factory=dict)
    rules: Document = field(default_factory=dict)
    """`response`, `none` and `errors` of the manifest."""
    comments: list[str] = field(default_factory=list)
    is_list: bool = False
    """The whole answer is a list."""


def read_response(root: Document, operation: Document) -> ResponseDraft:
    """Draft the answer of an operation.

    Raises:
        Refusal: `invalid-document`.
    """
    responses = {str(code): resolved(root, response) for code, response in (operation.get("responses") or {}).items()}
    code = next((code for code in _SUCCESS if code in responses), None)
    content = (responses[code].get("content") if code else None) or {}
    node: Node | None
    if content:
        node, form = _content(root, content)
        record, answer = _answer(node)
    else:
        node = None
        record = Record((Field("status", "status", Value({"type": "integer"}, example=200), required=True),))
        answer, form = {"status": "status"}, {}
    draft = ResponseDraft(record, answer, rules=form, is_list=isinstance(node, Sequence))
    _add_errors(draft, responses, none_fits=isinstance(node, Record))
    if node is not None:
        _add_rule_for_other_documents(draft, node)
    _add_outcome_hint(draft)
    return draft


def _content(root: Document, content: Document) -> tuple[Node, Document]:
    """Read the body of a response: its form, and what the manifest says of it where it is not JSON."""
    media_type = next((name for name in content if "json" in name or name == "*/*"), None)
    if media_type:
        return SchemaReader(root, "response").read(with_media_example(content[media_type] or {})), {}
    names = [str(name).partition(";")[0].strip() for name in content]
    is_text = all(name.startswith("text/") or name.endswith("xml") for name in names)
    types = {} if any("*" in name for name in names) else {"types": names}
    form = {"response": {"as": "text" if is_text else "base64", **types}}
    description = "XML" if all(name.endswith("xml") for name in names) else ", ".join(names)
    return Value({"type": "string", "description": description if is_text else f"base64: {description}"}), form


def _answer(node: Node) -> tuple[Record, Document]:
    """Return the document that answers and its mapping; what is no object becomes a field of one."""
    if isinstance(node, Record):
        return node, answer_mapping(node, "answer")
    name = "items" if isinstance(node, Sequence) else "value"
    record = Record((Field(name, name, node, required=not node.nullable),), example=MISSING)
    return record, {name: answer_mapping(node, "answer")}


def _add_errors(draft: ResponseDraft, responses: Mapping[str, Document], *, none_fits: bool) -> None:
    """Declare an error for each status of 400 to 499 about which the consumer can do something.

    `none` also stands for an empty answer, which of a list or of no content is no error.
    """
    for code, response in responses.items():
        if not (code.isdecimal() and 400 <= int(code) <= 499) or int(code) in _OF_THE_PROVIDER:
            continue
        status = int(code)
        name = "not-on-record" if status == _NOT_FOUND else _error_name(status)
        text = " ".join(str(response.get("description") or name).split())
        draft.errors[name] = {"status": status, "title": {"vi": text, "en": text}}
        if status == _NOT_FOUND and none_fits:
            draft.rules["none"] = name
        else:
            draft.rules.setdefault("errors", []).append({"when": f"status == `{status}`", "is": name})


def _add_rule_for_other_documents(draft: ResponseDraft, node: Node) -> None:
    """Report an answer of another form as such, instead of passing on one that breaks the contract."""
    condition = _is_other_document(node, "answer")
    if "none" in draft.rules:
        condition = f"answer && ({condition})"
    draft.rules.setdefault("errors", []).append({"when": condition, "failed": "unintelligible"})


def _is_other_document(node: Node, root: str) -> str:
    """Write the condition under which a value has another form: it is of another type, or lacks the first required field."""
    if isinstance(node, Sequence):
        item = _is_other_document(node.item, "@")
        return f"type({root}) != 'array' || {root}[?{item}]"
    if isinstance(node, Value):
        kind = _JMESPATH_TYPES.get(str(node.keywords.get("type")))
        return f"type({root}) != '{kind}'" if kind else f"{root} == `null`"
    if not isinstance(node, Record):
        return f"{root} == `null`"
    first = next((part for part in node.fields if part.name in schema(node)["required"]), None)
    other_type = f"type({root}) != 'object'"
    return f"{other_type} || {root}.{quoted_field(first.source)} == `null`" if first else other_type


def _error_name(status: int) -> str:
    try:
        return "provider-" + drafts.kebab(HTTPStatus(status).phrase)
    except ValueError:
        return f"provider-status-{status}"


def _add_outcome_hint(draft: ResponseDraft) -> None:
    """Point to fields that look like the outcome of the call: many systems answer 200 to everything."""
    names = [part.source for part in draft.record.fields if drafts.camel(part.source) in _OUTCOME_FIELDS]
    if len(names) > 1 or any(name.lower() in ("success", "error_code", "errorcode", "err_code") for name in names):
        draft.comments.append(
            f"The answer has {', '.join(names)}: if the system reports errors with status 200, add rules, such as\n"
            f"errors: [{{when: \"answer.{names[0]} == 'CODE'\", failed: broken}}]"
        )
