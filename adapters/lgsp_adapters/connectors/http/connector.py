"""The connector `http`: a system that speaks JSON over HTTP, described by its manifest alone.

kind: http
connection: {url: {env: LGSP_HEALTH_URL}, user: {env: …}, password: {env: …}}
authentication: {basic: {user: connection.user, password: connection.password}}
operations:
  lookup-summary:
    path: /records/{request.soDinhDanh}
    none: record-not-found                  # the error for a 404 or an empty answer
    answer: {nhomMau: answer.bloodGroup}
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from lgsp_adapters.adapter import Call, Declared, Document, UpstreamFailed
from lgsp_adapters.connectors.manifest_checks import check_operations
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.mapping.criteria import Criteria
from lgsp_adapters.mapping.error_rules import ErrorRules, evaluate
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.numbers import text_of
from lgsp_adapters.mapping.variables import REQUEST_VARIABLES
from lgsp_adapters.upstream.client import Upstream
from lgsp_adapters.upstream.http_adapter import Exchange, HttpAdapter, HttpOperation, build_answer
from lgsp_adapters.upstream.request_templates import RequestTemplate, path_expressions
from lgsp_adapters.upstream.response import Response
from lgsp_adapters.upstream.response_documents import parse_document, parse_document_or_none
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation

RESPONSE_VARIABLES = (*REQUEST_VARIABLES, "answer", "status", "items")
MAX_PAGES = 50


def build(manifest: Manifest, _contract: Contract) -> HttpAdapter:
    """Make the adapter that a manifest describes."""
    return HttpAdapter(manifest, _Operation)


class _Operation(HttpOperation):
    def __init__(self, _name: str, document: Mapping[str, Any], location: SourceLocation, manifest: Manifest) -> None:
        self._request = RequestTemplate(document, location, REQUEST_VARIABLES, manifest.document, manifest.location)
        self.writes = self._request.method in ("PUT", "PATCH", "DELETE")
        self.rules = ErrorRules(document.get("errors", []), location / "errors", RESPONSE_VARIABLES)
        self.none = document.get("none", "")
        parts = [(document.get(part), location / part) for part in ("query", "form", "body", "headers")]
        shared = [(manifest.document.get(part), manifest.location / part) for part in ("query", "headers")]
        self.criteria = Criteria([*parts, *shared, (path_expressions(document.get("path", "")), location / "path")])
        self.answer = Template(document["answer"], location / "answer", RESPONSE_VARIABLES)
        pages = document.get("pages")
        self._items = Template(pages["items"], location / "pages" / "items", RESPONSE_VARIABLES) if pages else None
        self._next = Template(pages["next"], location / "pages" / "next", RESPONSE_VARIABLES) if pages else None
        self._parameter = pages["parameter"] if pages else ""

    async def ask(
        self, upstream: Upstream, call: Call, scope: Scope, login: Mapping[str, str], executor: MappingExecutor
    ) -> Exchange:
        """Fetch the answer, all pages of it."""
        page_parameters: dict[str, str] = {}
        items: list[Any] = []
        for _ in range(MAX_PAGES):
            response = await self._request.send(upstream, call, scope, page_parameters, login, executor=executor)
            answer = await executor.run(
                partial(parse_document if response.is_success else parse_document_or_none, response)
            )
            answer_scope = {**scope, "status": response.status, "answer": answer, "items": items}
            if self._items is None or self._next is None or not response.is_success:
                return answer_scope, response
            items += await executor.run(partial(evaluate, self._items, answer_scope)) or []
            following = await executor.run(partial(evaluate, self._next, answer_scope))
            if following is None:
                return answer_scope, response
            page_parameters = {self._parameter: text_of(following)}
        raise UpstreamFailed("broken", f"more than {MAX_PAGES} pages")

    def read(self, scope: Scope, response: Response) -> Document:
        """Map the system's answer to the contract's."""
        self.rules.apply(scope, successful=response.is_success)
        if self.none and (response.status == 404 or (response.is_success and scope["answer"] in (None, [], {}))):
            raise Declared(self.none)
        if not response.is_success:
            raise response.bad_status()
        return build_answer(self.answer, scope)


check = check_operations
