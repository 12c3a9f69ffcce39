"""How commands print documents of the registry: tables, JSON, YAML, and what a change made different."""

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from lgsp_contracts.cli.terminal import as_yaml, err, language, out
from lgsp_gateway.cli import tables
from lgsp_gateway.cli.json_output import print_json
from lgsp_gateway.cli.registry_client import Document, Outcome
from lgsp_gateway.cli.texts import localized
from lgsp_problems import Text

_PHASES = {"Grant": "in-force", "Person": "created"}
"""The kinds whose phase the registry writes, with that of a document without a status."""


def phase_of(document: Document) -> str:
    """Return the phase of the life of a grant or person, such as `in-force` or `suspended`."""
    return str(document.get("status", {}).get("phase", _PHASES.get(document["kind"], "in-force")))


def print_documents(documents: list[Document], output: str, *, single: bool) -> None:
    """Print documents of one kind to stdout.

    Args:
        output: `table`, `json` or `yaml`.
        single: whether JSON is the one document and not a list.
    """
    if output == "json":
        content: Any = documents[0] if single else documents
        print_json(content)
    elif output == "yaml":
        out(as_yaml(documents))
    else:
        _print_table(documents)
        if not documents:  # as kubectl does: said where programs do not read, and no failure
            err(localized("Không có tài liệu nào như vậy.\n", "There is no such document.\n"))


_COLUMNS: dict[str, dict[str, Callable[[dict[str, Any]], str]]] = {
    "Instance": {
        "IDENTIFIER": lambda spec: spec["identifier"],
        "MEMBER CLASS": lambda spec: spec["memberClass"],
    },
    "Agency": {"TITLE": lambda spec: spec["title"]["vi"]},
    "Purpose": {
        "TITLE": lambda spec: spec["title"]["vi"],
        "LEGAL BASIS": lambda spec: spec.get("legalBasis", ""),
    },
    "Person": {
        "AGENCY": lambda spec: spec["agency"],
        "ROLES": lambda spec: ", ".join(spec["roles"]),
        "ISSUER": lambda spec: spec["issuer"],
    },
    "System": {
        "AGENCY": lambda spec: spec["agency"],
        "ROLES": lambda spec: ", ".join(spec.get("roles", [])),
        "TITLE": lambda spec: spec["title"]["vi"],
    },
    "Service": {
        "VERSION": lambda spec: spec["contract"]["version"],
        "PROVIDER": lambda spec: spec["contract"]["provider"],
        "CLASSIFICATION": lambda spec: spec["contract"]["classification"],
        "OPERATIONS": lambda spec: ", ".join(spec["contract"].get("operations", spec["contract"].get("events", ()))),
    },
    "Grant": {
        "CONSUMER": lambda spec: spec["consumer"],
        "SERVICE": lambda spec: f"{spec['service']} v{spec['major']}",
        "PURPOSES": lambda spec: ", ".join(spec["purposes"]),
        "UNTIL": lambda spec: spec["validUntil"],
    },
}


def _print_table(documents: list[Document]) -> None:
    columns = _COLUMNS[documents[0]["kind"]] if documents else {}
    phase = ("PHASE",) if documents and documents[0]["kind"] in _PHASES else ()
    tables.show(("NAME", *columns, *phase, "REVISION"), (_row(document, columns) for document in documents))


def _row(document: Document, columns: Mapping[str, Callable[[Any], str]]) -> list[str]:
    cells = [document["metadata"]["name"], *(column(document["spec"]) for column in columns.values())]
    if document["kind"] in _PHASES:
        cells.append(phase_of(document))
    return [*cells, str(document["metadata"]["revision"])]


SHORT_DIFFERENCE = 12
"""Lines of a difference that are shown without being asked for."""


def difference(before: Document, after: Document, *, whole: bool = True) -> list[str]:
    """Return what differs in the specification of two versions: lines of a unified diff of their YAML.

    Args:
        whole: all lines; else a long difference is summed up in one.
    """
    old, new = (as_yaml([document.get("spec")]).splitlines(keepends=True) for document in (before, after))
    lines = list(difflib.unified_diff(old, new, n=1))[2:]
    differing = [line for line in lines if not line.startswith("@@")]
    if whole or len(differing) <= SHORT_DIFFERENCE:
        return [f"    {line}" for line in differing]
    added, removed = (sum(line.startswith(sign) for line in differing) for sign in "+-")
    return [
        localized(
            f"    thêm {added} dòng, bớt {removed} dòng; xem bằng --diff\n",
            f"    {added} lines added, {removed} removed; --diff shows them\n",
        )
    ]


def content_lines(document: Document) -> str:
    """Return the specification of a new document as the added lines of a difference."""
    return "".join(f"    +{line}" for line in as_yaml([document["spec"]]).splitlines(keepends=True))


def outcome_line(outcome: Outcome, *, dry_run: bool) -> str:
    """Return a line on what became of a document that was applied."""
    verb = _VERBS[outcome.verb].in_language(language())
    trial = localized(" (chạy thử)", " (dry run)") if dry_run else ""
    return f"{document_path(outcome.after)} {verb}{trial}\n"


_VERBS = {
    "created": Text("đã tạo", "created"),
    "configured": Text("đã thay đổi", "configured"),
    "recorded": Text("không đổi, đã ghi nhận là từ các tệp này", "unchanged, recorded as coming from these files"),
    "unchanged": Text("không đổi", "unchanged"),
}


def document_path(document: Document) -> str:
    """Return a document's kind and name as `grant/mot-cua-population`."""
    return f"{document['kind'].lower()}/{document['metadata']['name']}"


def token_notice(before: Document, after: Document) -> str:
    """Return a line on whether the tokens of a system outlive the change of its keys; empty where they have not changed."""
    old, new = (document.get("status", {}).get("tokens", {}) for document in (before, after))
    if new.get("generation") != old.get("generation"):
        return localized(
            "    các mã truy cập đã cấp đến nay đã hết hiệu lực\n", "    tokens issued until now have ended\n"
        )
    until = new.get("oldCountUntil")
    if until is None or until == old.get("oldCountUntil"):
        return ""
    command = f"lgsp system end-tokens {after['metadata']['name']}"
    return localized(
        f"    mã truy cập xin bằng khóa hay mật khẩu cũ có hiệu lực đến {until}; để kết thúc ngay: {command}\n",
        f"    tokens taken with an old key or secret count until {until}; end them: {command}\n",
    )


def pending_approval(document: Document) -> str:
    """Return a line on whose approval a grant waits for; empty where it waits for none."""
    command = f"lgsp grant approve {document['metadata']['name']}"
    provider = localized("quản trị của cơ quan cung cấp", "an administrator of the provider's agency")
    operator = localized("người vận hành trục", "an operator of the bus")
    either = localized(
        f"{provider} hoặc {operator} (cả hai, nếu là dữ liệu cá nhân)",
        f"{provider} or {operator} (both, where it shows personal data)",
    )
    who = {"requested": either, "awaiting-provider": provider, "awaiting-operator": operator}.get(phase_of(document))
    if document["kind"] != "Grant" or who is None:
        return ""
    return localized(
        f"    chưa có hiệu lực: {who} cần phê duyệt bằng {command}\n",
        f"    not in force yet: {who} is to approve it, with {command}\n",
    )
