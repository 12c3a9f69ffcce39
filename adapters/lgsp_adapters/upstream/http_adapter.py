"""What connectors over HTTP share: the pool, TLS, the login, and one retry when a session is refused."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog

from lgsp_adapters.adapter import Adapter, Call, Declared, Document, Permits, UpstreamFailed
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.mapping.criteria import Criteria
from lgsp_adapters.mapping.error_rules import evaluate
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.variables import instant_variables, request_scope
from lgsp_adapters.upstream.addresses import check_addresses
from lgsp_adapters.upstream.carried_files import FILES, MAX_INLINE_BYTES, STORED, AnswerFiles, RequestFiles
from lgsp_adapters.upstream.client import MAX_ANSWER, Upstream
from lgsp_adapters.upstream.login import Authentication
from lgsp_adapters.upstream.request_limiter import RequestLimiter
from lgsp_adapters.upstream.response import Response
from lgsp_adapters.upstream.tls import TlsContexts
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Text

MAX_ANSWER_WITH_FILES = 2 * MAX_INLINE_BYTES
"""Bytes of an answer that files are made of: base64 takes a third more, and the document around it."""

Exchange = tuple[Scope, Response]


class HttpOperation:
    """One operation of an HTTP connector, built from its part of the manifest."""

    writes = False
    """Whether its method changes something by definition (RFC 9110). A POST may be a query; its contract says."""

    none: str
    """The declared error for an empty result, or ""."""

    criteria: Criteria
    """The criteria by which it asks the system."""

    request_files: RequestFiles | None = None
    """The files of the request that are fetched before it is made."""
    answer_files: AnswerFiles | None = None
    """The files that are made of its answer."""

    @abstractmethod
    async def ask(
        self, upstream: Upstream, call: Call, scope: Scope, login: Mapping[str, str], executor: MappingExecutor
    ) -> Exchange:
        """Send the request with these further headers; return the variables with the answer, and the response."""

    @abstractmethod
    def read(self, scope: Scope, response: Response) -> Document:
        """Map the system's answer to the contract's."""


class HttpAdapter(Adapter):
    """An adapter that its manifest describes.

    Args:
        operation: makes the kind's own, of its name, its part of the manifest, the location of that part, and the manifest.
    """

    def __init__(
        self, manifest: Manifest, operation: Callable[[str, Mapping[str, Any], SourceLocation, Manifest], HttpOperation]
    ) -> None:
        super().__init__(manifest.connection)
        location = manifest.location / "operations"
        self.operations = {
            name: operation(name, document, location / name, manifest) for name, document in manifest.operations.items()
        }
        login = manifest.document.get("authentication", {})
        self._tls = TlsContexts(manifest.document.get("tls", {}), manifest.folder, manifest.location / "tls")
        self._login = Authentication(
            login,
            manifest.location / "authentication",
            manifest.connection,
            has_certificate=self._tls.has_certificate,
        )
        self._limiter = RequestLimiter.of(manifest)
        check_addresses(manifest)  # last: a value that was not read yet must not hide other faults

    def count_requests_with(self, permits: Permits) -> None:
        """Count the requests with other copies, where the manifest names a limit."""
        if self._limiter:
            self._limiter.permits = permits

    def warnings(self) -> list[Text]:
        """Say where old TLS is allowed."""
        warning = self._tls.warning()
        return [warning] if warning else []

    def writes(self, operation: str) -> bool:
        """Tell whether the operation's HTTP method changes something."""
        return self.operations[operation].writes

    async def open(self) -> None:
        """Open the pool of connections."""
        self._executor = MappingExecutor()
        url = self.connection["url"]
        self._tls.check_legacy_host([url, self._login.address])
        if warning := self._tls.warning():
            structlog.get_logger().warning("old TLS allowed", host=self._tls.legacy_host, reason=warning.en)
        stores = any(operation.answer_files for operation in self.operations.values())
        self._upstream = Upstream(
            url,
            self._tls.for_address(url),
            self._limiter,
            max_answer=MAX_ANSWER_WITH_FILES if stores else MAX_ANSWER,
            files=lambda: self.files,
        )
        try:
            self._login.open(self._upstream, self._tls, self._limiter)
        except BaseException:
            await self._upstream.close()
            self._executor.close()
            raise

    async def close(self) -> None:
        """Close it."""
        await self._login.close()
        await self._upstream.close()
        self._executor.close()

    def method(self, operation: str) -> Any:
        """Return the method that answers an operation, or None."""
        implementation = self.operations.get(operation)
        return implementation and partial(self._answer, implementation)

    async def _answer(self, operation: HttpOperation, request: Document, call: Call) -> Document:
        scope = await self._executor.run(partial(request_scope, self.connection, request, call), of_request=True)
        if operation.none and operation.criteria.is_empty(scope):
            raise Declared(operation.none)
        return await self.carry_out(operation, scope, call)

    async def carry_out(self, operation: HttpOperation, scope: Scope, call: Call) -> Document:
        """Send the request of an operation under the session of the moment, and read the answer; once more where the session was refused.

        Raises:
            AdapterError: as the system and the manifest say.
        """
        if operation.request_files:
            scope = {
                **scope,
                FILES: await operation.request_files.fetch(scope, self._upstream.files(), call, self._executor),
            }
        for attempt in range(2):
            if attempt:
                scope = {**scope, "now": instant_variables()}
            session_scope = {**scope, "session": await self._login.session(call)}
            answer_scope, response = await operation.ask(
                self._upstream, call, session_scope, self._login.headers(session_scope), self._executor
            )
            if not self._login.is_session_refused(answer_scope):
                answer_scope = await self._store_files(operation, answer_scope, response, call)
                return await self._executor.run(partial(_read, operation, answer_scope, response))
        raise response.failed("refused", f"HTTP {response.status}: a new token is refused too")

    async def _store_files(self, operation: HttpOperation, scope: Scope, response: Response, call: Call) -> Scope:
        if operation.answer_files is None or not response.is_success:
            return scope
        files = self._upstream.files()
        return {**scope, STORED: await operation.answer_files.store(scope, files, call, self._executor)}


def _read(operation: HttpOperation, scope: Scope, response: Response) -> Document:
    try:
        return operation.read(scope, response)
    except UpstreamFailed as failure:
        if failure.upstream_message:
            raise
        raise response.failed(failure.why, failure.private) from failure


def build_answer(template: Template, scope: Scope) -> Document:
    """Map an answer to the document of the contract.

    Raises:
        UpstreamFailed: `unintelligible`, when it makes none.
    """
    answer = evaluate(template, scope)
    if not isinstance(answer, dict):
        raise UpstreamFailed("unintelligible", "the answer has none of the fields that the mapping reads")
    return answer
