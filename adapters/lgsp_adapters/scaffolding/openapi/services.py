"""Drafts a contract and a manifest out of an OpenAPI document, with an operation for each of its operations that a manifest can call."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from urllib.parse import urljoin

from lgsp_adapters.scaffolding.drafts import CLASSIFICATION_COMMENT, IDEMPOTENT_COMMENT, Draft, Path, variable
from lgsp_adapters.scaffolding.openapi.examples import example
from lgsp_adapters.scaffolding.openapi.paging import pages_hint
from lgsp_adapters.scaffolding.openapi.parameters import NotDraftableError, RequestDraft, read_request, resolved
from lgsp_adapters.scaffolding.openapi.responses import ResponseDraft, read_response
from lgsp_adapters.scaffolding.openapi.security import SecurityDraft, read_security
from lgsp_adapters.scaffolding.openapi.shapes import Record, Value, schema, unique
from lgsp_adapters.scaffolding.openapi.structure import check_structure
from lgsp_adapters.scaffolding.openapi.swagger import upgrade
from lgsp_contracts.tooling import drafts
from lgsp_problems import NotFound, Refusal

Document = dict[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")
_TIMEOUT = "5s"


@dataclass(frozen=True, slots=True)
class _Source:
    """An operation of the description."""

    method: str
    path: str
    path_item: Document
    operation: Document
    name: str

    @property
    def label(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def ids(self) -> set[str]:
        return {self.name, self.label, str(self.operation.get("operationId") or self.name)}


@dataclass(slots=True)
class _Drafted:
    contract: Document = field(default_factory=dict)
    manifest: Document = field(default_factory=dict)
    comments: dict[Path, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    sources: list[_Source] = field(default_factory=list)
    credential_headers: list[str] = field(default_factory=list)


def from_openapi(
    document: Any,
    service: str,
    provider: str,
    *,
    address: str = "",
    wanted: Sequence[str] = (),
    discovered: Mapping[str, Any] | None = None,
) -> Draft:
    """Draft a contract and the manifest that implements it.

    Args:
        document: the parsed document, OpenAPI 3.0 or 3.1 or Swagger 2.0, with every reference inside it (`references.bundle`).
        address: where the document came from, as a URL; "" for a file.
        wanted: operations to draft, as operation id, as `METHOD /path`, or by the name in the contract; empty for all.
        discovered: OpenID Connect discovery documents by their addresses.

    Raises:
        Refusal: `invalid-document`, when it is another document, or no operation can be drafted; `not-found`, when a wanted operation does not exist.
    """
    root = _openapi3(document)
    drafted = _Drafted()
    for source in _wanted(list(_sources(root)), wanted):
        _draft_operation(root, source, drafted)
    if not drafted.contract:
        reasons = " ".join(drafted.left_out[:3])
        raise Refusal(
            "invalid-document",
            vi=f"Không thao tác nào của tài liệu dựng được thành bản nháp; hãy viết hợp đồng bằng tay. {reasons}".strip(),
            en=f"No operation of the document can be drafted; write the contract by hand. {reasons}".strip(),
        )
    return _assembled(root, drafted, service, provider, address, discovered or {})


def _openapi3(document: Any) -> Document:
    version = document if isinstance(document, dict) else {}
    is_swagger = str(version.get("swagger", "")).startswith("2.")
    if not is_swagger and not str(version.get("openapi", "")).startswith("3."):
        raise Refusal(
            "invalid-document",
            vi="Tài liệu không phải OpenAPI 3 hay Swagger 2; hãy chọn tài liệu có dòng openapi: 3.x hoặc swagger: '2.0'.",
            en="The document is neither OpenAPI 3 nor Swagger 2; choose one with a line openapi: 3.x or swagger: '2.0'.",
        )
    check_structure(version)
    return upgrade(version) if is_swagger else version


def _sources(root: Document) -> Iterator[_Source]:
    names: set[str] = set()
    for path, reference in (root.get("paths") or {}).items():
        path_item = resolved(root, reference)
        for method in _METHODS:
            operation = path_item.get(method)
            if isinstance(operation, dict):
                name = unique(
                    drafts.kebab(str(operation.get("operationId") or f"{method} {path}"))[:60].strip("-"), names
                )
                names.add(name)
                yield _Source(method, str(path), path_item, operation, name)


def _wanted(sources: list[_Source], wanted: Sequence[str]) -> list[_Source]:
    for name in wanted:
        if not any(name in source.ids for source in sources):
            known = ", ".join(source.name for source in sources[:20]) or "-"
            raise NotFound(
                vi=f"Tài liệu không có thao tác {name}; có: {known}.",
                en=f"The document has no operation {name}; it has: {known}.",
            )
    return [source for source in sources if not wanted or source.ids & set(wanted)]


def _draft_operation(root: Document, source: _Source, drafted: _Drafted) -> None:
    try:
        request = read_request(root, source.path, source.path_item, source.operation)
        response = read_response(root, source.operation)
    except NotDraftableError as reason:
        drafted.left_out.append(f"{source.label} is left out: {reason}.")
        return
    examples = {
        "request": example(request.record, source.label, complete=False),
        "response": example(response.record, source.label, complete=True),
    }
    missing = [part for part, document in examples.items() if document is None]
    if missing:
        drafted.left_out.append(f"{source.label} is left out: no example could be generated for its {missing[0]}.")
        return
    drafted.contract[source.name] = _contract_part(source, request, response, examples)
    drafted.manifest[source.name] = _manifest_part(source, request, response)
    drafted.sources.append(source)
    drafted.credential_headers += [
        name for name in request.credential_headers if name not in drafted.credential_headers
    ]
    root_list = "answer" if response.is_list else ""
    hint = pages_hint(request.manifest.get("query", {}), response.record, root_list)
    comments = [*response.comments, hint]
    if any(comments):
        drafted.comments["operations", source.name] = "\n".join(filter(None, comments))


def _contract_part(source: _Source, request: RequestDraft, response: ResponseDraft, examples: Document) -> Document:
    title = " ".join(str(source.operation.get("summary") or source.name).split())
    subject = _subject(request.record)
    return {
        "title": {"vi": title, "en": title},
        **({"subject": subject} if subject else {}),
        "timeout": _TIMEOUT,
        "idempotent": source.method == "get",
        "request": schema(request.record),
        "response": schema(response.record),
        **({"errors": response.errors} if response.errors else {}),
        "example": examples,
    }


def _subject(record: Record, pointer: str = "") -> str:
    """Return the pointer to the number of the person whom a request is about; "" where it has none."""
    for part in record.fields:
        here = f"{pointer}/{part.name}"
        if isinstance(part.node, Value) and part.node.keywords.get("format") == "so-dinh-danh":
            return here
        if isinstance(part.node, Record) and (inside := _subject(part.node, here)):
            return inside
    return ""


def _manifest_part(source: _Source, request: RequestDraft, response: ResponseDraft) -> Document:
    sends = "POST" if {"body", "form"} & set(request.manifest) else "GET"
    method = {"method": source.method.upper()} if source.method.upper() != sends else {}
    return {**method, **request.manifest, **response.rules, "answer": response.answer}


def _assembled(
    root: Document, drafted: _Drafted, service: str, provider: str, address: str, discovered: Mapping[str, Any]
) -> Draft:
    server = _server(root, address)
    security = SecurityDraft(service, server)
    security.connection["url"] = {"env": variable(service, "url")}
    security.environment[variable(service, "url")] = server
    read_security(root, [source.operation for source in drafted.sources], security, discovered)
    for name in drafted.credential_headers:
        if name.lower() not in {header.lower() for header in security.headers} and not (
            name.lower() == "authorization" and security.authentication
        ):
            security.headers[name] = security.secret("authorization" if name.lower() == "authorization" else "apiKey")
    manifest = {
        "service": service,
        "major": 1,
        "system": provider,
        "kind": "http",
        "connection": security.connection,
        **({"authentication": security.authentication} if security.authentication else {}),
        **({"headers": security.headers} if security.headers else {}),
        **({"query": security.query} if security.query else {}),
        "operations": drafted.manifest,
    }
    comments = {**drafted.comments}
    about_server = [f"The description names the server {server}."] if server else []
    if about := [*about_server, *security.comments]:
        comments["connection",] = "\n".join(about)
    contract = drafts.contract(service, provider, drafted.contract)
    title = (root.get("info") or {}).get("title")
    if isinstance(title, str) and title.strip():
        text = " ".join(title.split())
        contract["title"] = {"vi": text, "en": text}
    return Draft(
        contract,
        manifest,
        {
            ("classification",): CLASSIFICATION_COMMENT,
            **dict(chain.from_iterable(_contract_comments(source) for source in drafted.sources)),
        },
        comments,
        drafted.left_out,
        security.environment,
    )


def _contract_comments(source: _Source) -> Iterator[tuple[Path, str]]:
    if source.method == "post":
        path = ("operations", source.name, "idempotent")
        yield path, IDEMPOTENT_COMMENT


def _server(root: Document, address: str) -> str:
    """Return the address of the first server, without a slash at the end; relative to where the document came from."""
    servers = [server for server in root.get("servers") or [] if isinstance(server, dict)]
    server: Document = servers[0] if servers else {}
    url = str(server.get("url") or "/")
    for name, about in (server.get("variables") or {}).items():
        url = url.replace(f"{{{name}}}", str((about or {}).get("default", "")))
    joined = urljoin(address, url).rstrip("/")
    return joined if "://" in joined else ""
