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

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from lgsp_adapters.adapter import Call, Declared, Document, UpstreamFailed
from lgsp_adapters.connectors.event_mapping import check_events
from lgsp_adapters.connectors.http.pages import MAX_BYTES, Pages, Progress
from lgsp_adapters.connectors.http.watched_list import WatchedList
from lgsp_adapters.connectors.manifest_checks import check_operations
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.mapping.criteria import Criteria
from lgsp_adapters.mapping.error_rules import ErrorRules, evaluate
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.variables import REQUEST_VARIABLES, instant_variables
from lgsp_adapters.upstream.carried_files import MAX_INLINE_BYTES, CarriedFiles
from lgsp_adapters.upstream.client import Upstream
from lgsp_adapters.upstream.http_adapter import Exchange, HttpAdapter, HttpOperation, build_answer
from lgsp_adapters.upstream.request_body import body_expressions
from lgsp_adapters.upstream.request_templates import RequestTemplate, path_expressions
from lgsp_adapters.upstream.response import Response
from lgsp_adapters.upstream.response_formats import MAX_BASE64_BYTES, ResponseFormat
from lgsp_adapters.watching.source import EventSource
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal

OPERATION_VARIABLES = (*REQUEST_VARIABLES, "page", "again")
RESPONSE_VARIABLES = (*OPERATION_VARIABLES, "answer", "status", "headers", "items")


def build(manifest: Manifest, contract: Contract) -> HttpAdapter:
    """Make the adapter that a manifest describes.

    Raises:
        Refusal: `invalid-document`, with the file, the line and how to correct it.
    """
    return _WatchingAdapter(manifest, contract)


def check(manifest: Manifest, contract: Contract) -> Iterator[Refusal]:
    """Yield where a manifest does not keep its contract."""
    yield from check_operations(manifest, contract)
    yield from check_events(manifest, contract)


class _WatchingAdapter(HttpAdapter):
    """An adapter that may watch lists for events besides."""

    def __init__(self, manifest: Manifest, contract: Contract) -> None:
        super().__init__(manifest, _Operation)
        make = partial(_watching_operation, manifest)
        at = manifest.location / "events"
        self._lists = {
            name: WatchedList(name, document, at / name, contract, manifest.connection, make)
            for name, document in manifest.events.items()
        }

    def event_sources(self) -> Mapping[str, EventSource]:
        """Return the lists that are watched for events."""
        return self._lists

    async def open(self) -> None:
        """Open the pool of connections."""
        await super().open()
        for watched in self._lists.values():
            watched.open(self.carry_out, self._executor)


class _Operation(HttpOperation):
    def __init__(
        self,
        _name: str,
        document: Mapping[str, Any],
        location: SourceLocation,
        manifest: Manifest,
        more: tuple[str, ...] = (),
    ) -> None:
        variables, response_variables = (*OPERATION_VARIABLES, *more), (*RESPONSE_VARIABLES, *more)
        files = CarriedFiles(document, location, variables, response_variables)
        self.request_files, self.answer_files = files.of_request, files.of_answer
        variables, response_variables = files.request_variables, files.response_variables
        self._request = RequestTemplate(document, location, variables, manifest.document, manifest.location)
        self.writes = self._request.method in ("PUT", "PATCH", "DELETE")
        self.rules = ErrorRules(document.get("errors", []), location / "errors", response_variables)
        self.none = document.get("none", "")
        parts = [(document.get(part), location / part) for part in ("query", "headers")]
        parts += [(expression, location) for expression in body_expressions(document)]
        shared = [(manifest.document.get(part), manifest.location / part) for part in ("query", "headers")]
        self.criteria = Criteria([*parts, *shared, (path_expressions(document.get("path", "")), location / "path")])
        self.answer = Template(document["answer"], location / "answer", response_variables)
        self._format = ResponseFormat(
            document.get("response", {}), MAX_INLINE_BYTES if files.of_answer else MAX_BASE64_BYTES
        )
        self._again = Template(document.get("again"), location / "again", response_variables)
        pages = document.get("pages")
        if pages and "again" in document:
            raise (location / "again").refusal(
                "không dùng again cùng pages; hãy bỏ một trong hai", "again does not go with pages; remove one of them"
            )
        self._pages = Pages(pages, location / "pages", response_variables) if pages else None
        if pages and "hosts" in pages and "legacy" in manifest.document.get("tls", {}):
            raise (location / "pages" / "hosts").refusal(
                "tls.legacy chỉ dành cho một máy chủ nên không dùng cùng pages.hosts",
                "tls.legacy is for one host and cannot be combined with pages.hosts",
            )

    async def ask(
        self, upstream: Upstream, call: Call, scope: Scope, login: Mapping[str, str], executor: MappingExecutor
    ) -> Exchange:
        """Fetch the answer, all pages of it; where the manifest says so of an answer, that of a second request."""
        scope = {**scope, "again": False}
        if self._pages:
            return await self._fetch_pages(self._pages, upstream, call, scope, login, executor)
        response = await self._request.send(upstream, call, scope, login=login, executor=executor)
        answer_scope = await self._scope_with_answer(scope, response, [], executor)
        if self._again.empty or not await executor.run(partial(evaluate, self._again, answer_scope)):
            return answer_scope, response
        scope = {**scope, "again": True, "now": instant_variables()}
        response = await self._request.send(upstream, call, scope, login=login, executor=executor)
        return await self._scope_with_answer(scope, response, [], executor), response

    async def _fetch_pages(
        self,
        pages: Pages,
        upstream: Upstream,
        call: Call,
        scope: Scope,
        login: Mapping[str, str],
        executor: MappingExecutor,
    ) -> Exchange:
        page, progress, size = pages.first(), Progress(), 0
        fetched = {page}
        while True:
            scope = {**scope, "page": page.value}
            response = await self._request.send(
                upstream, call, scope, dict(page.query), login, url=page.url, executor=executor
            )
            answer_scope = await self._scope_with_answer(scope, response, progress.items, executor)
            if not response.is_success or await executor.run(partial(self._is_error, answer_scope)):
                return answer_scope, response
            if not self._is_nothing(answer_scope, response):
                await executor.run(partial(pages.read, answer_scope, progress))
            size += len(response.content)
            following = await executor.run(partial(pages.following, page, progress, answer_scope, response))
            if following is None:
                return answer_scope, response
            if following in fetched:
                raise response.failed("broken", "the system names a page a second time")
            if len(fetched) >= pages.most:
                raise response.failed("broken", f"more than {pages.most} pages; raise pages.max or ask for less")
            if size > MAX_BYTES:
                raise response.failed("unintelligible", f"the pages have more than {MAX_BYTES} bytes; ask for less")
            fetched.add(following)
            page, scope = following, {**scope, "now": instant_variables()}

    async def _scope_with_answer(
        self, scope: Scope, response: Response, items: list[Any], executor: MappingExecutor
    ) -> Scope:
        answer = await executor.run(partial(self._format.read, response))
        return {**scope, "status": response.status, "headers": response.headers, "answer": answer, "items": items}

    def _is_error(self, scope: Scope) -> bool:
        """Tell whether a rule takes a page for an error: then the list is not whole."""
        try:
            self.rules.apply(scope)
        except (Declared, UpstreamFailed):
            return True
        return False

    def _is_nothing(self, scope: Scope, response: Response) -> bool:
        """Tell whether `none` is what a response says; never after a page that had items."""
        if not self.none or scope["items"]:
            return False
        return response.status == 404 or (response.is_success and scope["answer"] in (None, [], {}))

    def read(self, scope: Scope, response: Response) -> Document:
        """Map the system's answer to the contract's."""
        self.rules.apply(scope, successful=response.is_success)
        if self._is_nothing(scope, response):
            raise Declared(self.none)
        if not response.is_success:
            raise response.bad_status()
        return build_answer(self.answer, scope)


def _watching_operation(
    manifest: Manifest, document: Mapping[str, Any], location: SourceLocation, more: tuple[str, ...]
) -> HttpOperation:
    return _Operation("", document, location, manifest, more)
