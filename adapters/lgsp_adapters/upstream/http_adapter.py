"""What connectors that ask over HTTP share: the pool, TLS, the login, and asking once more when a session is refused."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from lgsp_adapters.adapter import Adapter, Call, Declared, Document, UpstreamFailed
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.mapping.criteria import Criteria
from lgsp_adapters.mapping.error_rules import evaluate
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.variables import request_scope
from lgsp_adapters.upstream import tls
from lgsp_adapters.upstream.client import Upstream
from lgsp_adapters.upstream.login import Authentication
from lgsp_adapters.upstream.response import Response
from lgsp_contracts.source_location import SourceLocation

Exchange = tuple[Scope, Response]


class HttpOperation:
    """One operation of such a kind, made from its part of the manifest."""

    writes = False
    """Does its method change something, by the words of HTTP (RFC 9110)? A POST may be a question; its contract says."""

    none: str
    """The declared error for nothing found, or ""."""

    criteria: Criteria
    """What it asks by."""

    @abstractmethod
    async def ask(
        self, upstream: Upstream, call: Call, scope: Scope, login: Mapping[str, str], unhurried: MappingExecutor
    ) -> Exchange:
        """Ask with these further headers: the variables with what was answered, and the answer itself."""

    @abstractmethod
    def read(self, scope: Scope, heard: Response) -> Document:
        """Map the system's answer to the contract's."""


class HttpAdapter(Adapter):
    """An adapter that its manifest describes.

    Args:
        operation: makes the kind's own, of its name, its part of the manifest, the place of that, and the manifest.
    """

    def __init__(
        self, manifest: Manifest, operation: Callable[[str, Mapping[str, Any], SourceLocation, Manifest], HttpOperation]
    ) -> None:
        super().__init__(manifest.connection)
        place = manifest.place / "operations"
        self.operations = {
            name: operation(name, document, place / name, manifest) for name, document in manifest.operations.items()
        }
        login = manifest.document.get("authentication", {})
        self._login = Authentication(login, manifest.place / "authentication", manifest.connection)
        self._tls = tls.context(manifest.document.get("tls", {}), manifest.folder, manifest.place / "tls")

    def writes(self, operation: str) -> bool:
        """Tell whether the operation's HTTP method changes something."""
        return self.operations[operation].writes

    async def open(self) -> None:
        """Open the pool of connections."""
        self._unhurried = MappingExecutor()
        self._upstream = Upstream(self.connection["url"], self._tls)
        self._login.open(self._upstream, self._tls)

    async def close(self) -> None:
        """Close it."""
        await self._login.close()
        await self._upstream.close()
        self._unhurried.close()

    def method(self, operation: str) -> Any:
        """Return the method that answers an operation, or None."""
        found = self.operations.get(operation)
        return found and partial(self._answer, found)

    async def _answer(self, operation: HttpOperation, request: Document, call: Call) -> Document:
        scope = await self._unhurried.do(partial(request_scope, self.connection, request, call), of_request=True)
        if operation.none and operation.criteria.is_empty(scope):
            raise Declared(operation.none)
        for _ in range(2):
            asked = {**scope, "session": await self._login.session(call)}
            answered, heard = await operation.ask(
                self._upstream, call, asked, self._login.headers(asked), self._unhurried
            )
            if not self._login.turned_away(answered):
                return await self._unhurried.do(partial(_read, operation, answered, heard))
        raise heard.failed("refused", f"HTTP {heard.status}: a new token is refused too")


def _read(operation: HttpOperation, scope: Scope, heard: Response) -> Document:
    try:
        return operation.read(scope, heard)
    except UpstreamFailed as failure:
        if failure.said:
            raise
        raise heard.failed(failure.why, failure.private) from failure


def build_answer(template: Template, scope: Scope) -> Document:
    """Map an answer to the document of the contract.

    Raises:
        UpstreamFailed: `unintelligible`, when it makes none.
    """
    made = evaluate(template, scope)
    if not isinstance(made, dict):
        raise UpstreamFailed("unintelligible", "the answer has nothing of what is asked for")
    return made
