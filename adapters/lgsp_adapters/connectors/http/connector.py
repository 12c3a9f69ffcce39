"""The connector `http`: a system that speaks JSON over HTTP, told apart by its manifest alone.

kind: http
connection: {url: {env: LGSP_HEALTH_URL}, user: {env: …}, password: {env: …}}
authentication: {basic: {user: connection.user, password: connection.password}}
operations:
  lookup-summary:
    path: /records/{request.soDinhDanh}
    none: record-not-found                  # what a 404 or an empty answer means
    answer: {nhomMau: answer.bloodGroup}
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from lgsp_adapters.adapter import Call, Declared, Document, UpstreamFailed
from lgsp_adapters.connectors.contract_checks import check_operations
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.mapping.criteria import Criteria
from lgsp_adapters.mapping.error_rules import ErrorRules, evaluate
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.numbers import text_of
from lgsp_adapters.mapping.variables import ASKED
from lgsp_adapters.upstream.client import Upstream
from lgsp_adapters.upstream.http_adapter import Exchange, HttpAdapter, HttpOperation, build_answer
from lgsp_adapters.upstream.request_templates import RequestTemplate, path_expressions
from lgsp_adapters.upstream.response import Response
from lgsp_adapters.upstream.response_documents import parse_document, parse_document_or_none
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation

ANSWERED = (*ASKED, "answer", "status", "items")
MAX_PAGES = 50


def build(manifest: Manifest, _contract: Contract) -> HttpAdapter:
    """Make the adapter that a manifest describes."""
    return HttpAdapter(manifest, _Operation)


class _Operation(HttpOperation):
    def __init__(self, _name: str, document: Mapping[str, Any], place: SourceLocation, manifest: Manifest) -> None:
        self._asking = RequestTemplate(document, place, ASKED, manifest.document, manifest.place)
        self.writes = self._asking.method in ("PUT", "PATCH", "DELETE")
        self.rules = ErrorRules(document.get("errors", []), place / "errors", ANSWERED)
        self.none = document.get("none", "")
        parts = [(document.get(part), place / part) for part in ("query", "form", "body", "headers")]
        shared = [(manifest.document.get(part), manifest.place / part) for part in ("query", "headers")]
        self.criteria = Criteria([*parts, *shared, (path_expressions(document.get("path", "")), place / "path")])
        self.answer = Template(document["answer"], place / "answer", ANSWERED)
        pages = document.get("pages")
        self._items = Template(pages["items"], place / "pages" / "items", ANSWERED) if pages else None
        self._next = Template(pages["next"], place / "pages" / "next", ANSWERED) if pages else None
        self._parameter = pages["parameter"] if pages else ""

    async def ask(
        self, upstream: Upstream, call: Call, scope: Scope, login: Mapping[str, str], unhurried: MappingExecutor
    ) -> Exchange:
        """Ask for the answer, all pages of it."""
        more: dict[str, str] = {}
        items: list[Any] = []
        for _ in range(MAX_PAGES):
            heard = await self._asking.send(upstream, call, scope, more, login, unhurried=unhurried)
            answer = await unhurried.do(partial(parse_document if heard.good else parse_document_or_none, heard))
            found = {**scope, "status": heard.status, "answer": answer, "items": items}
            if self._items is None or self._next is None or not heard.good:
                return found, heard
            items += await unhurried.do(partial(evaluate, self._items, found)) or []
            following = await unhurried.do(partial(evaluate, self._next, found))
            if following is None:
                return found, heard
            more = {self._parameter: text_of(following)}
        raise UpstreamFailed("broken", f"more than {MAX_PAGES} pages")

    def read(self, scope: Scope, heard: Response) -> Document:
        """Map the system's answer to the contract's."""
        self.rules.apply(scope, well=heard.good)
        if self.none and (heard.status == 404 or (heard.good and scope["answer"] in (None, [], {}))):
            raise Declared(self.none)
        if not heard.good:
            raise heard.bad_status()
        return build_answer(self.answer, scope)


check = check_operations
