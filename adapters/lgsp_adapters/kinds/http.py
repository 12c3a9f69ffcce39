"""The kind `http`: a system that speaks JSON over HTTP, told apart by its manifest alone.

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

from lgsp_adapters.adapter import Adapter, Call, Declared, Document, UpstreamFailed
from lgsp_adapters.kinds import tls
from lgsp_adapters.kinds.asking import Asking
from lgsp_adapters.kinds.login import Authentication
from lgsp_adapters.kinds.mapping import Scope, Template
from lgsp_adapters.kinds.reading import bad_status, json_or_none
from lgsp_adapters.kinds.rules import Rules, mapped
from lgsp_adapters.kinds.scope import ASKED, before
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.upstream import Upstream
from lgsp_contracts.contract import Contract

ANSWERED = (*ASKED, "answer", "status", "items")
MAX_PAGES = 50


class HttpAdapter(Adapter):
    """An adapter that its manifest describes."""

    def __init__(self, manifest: Manifest, contract: Contract) -> None:
        super().__init__(manifest.connection)
        place = manifest.place / "operations"
        self.operations = {
            name: _Operation(document, place / name, manifest) for name, document in manifest.operations.items()
        }
        login = manifest.document.get("authentication", {})
        self._login = Authentication(login, manifest.place / "authentication", manifest.connection)
        self._tls = tls.context(manifest.document.get("tls", {}), manifest.folder, manifest.place / "tls")

    async def open(self) -> None:
        """Open the pool of connections."""
        self._upstream = Upstream(self.connection["url"], self._tls)
        self._login.open(self._upstream)

    async def close(self) -> None:
        """Close it."""
        await self._upstream.close()

    def method(self, operation: str) -> Any:
        """The method that answers an operation, or None."""
        found = self.operations.get(operation)
        return found and partial(self._answer, found)

    async def _answer(self, operation: "_Operation", request: Document, call: Call) -> Document:
        scope = before(self.connection, request, call)
        for last in (False, True):
            session = await self._login.session(call)
            asked = {**scope, "session": session}
            scope_after = await operation.ask(self._upstream, call, asked, self._login.headers(asked))
            if not self._login.turned_away(scope_after):
                return operation.read(scope_after)
            if last:
                raise UpstreamFailed("refused", "a new token is refused too")
        raise AssertionError


class _Operation:
    def __init__(self, document: Mapping[str, Any], place: Any, manifest: Manifest) -> None:
        self._asking = Asking(document, place, ASKED, manifest.document, manifest.place)
        self.rules = Rules(document.get("errors", []), place / "errors", ANSWERED)
        self.none = document.get("none", "")
        self.answer = Template(document["answer"], place / "answer", ANSWERED)
        pages = document.get("pages")
        self._items = Template(pages["items"], place / "pages" / "items", ANSWERED) if pages else None
        self._next = Template(pages["next"], place / "pages" / "next", ANSWERED) if pages else None
        self._parameter = pages["parameter"] if pages else ""

    async def ask(self, upstream: Upstream, call: Call, scope: Scope, headers: Mapping[str, str]) -> Scope:
        """Ask for the answer, all pages of it."""
        more: dict[str, str] = {}
        items: list[Any] = []
        for _ in range(MAX_PAGES):
            status, content = await self._asking.send(upstream, call, scope, more, headers)
            answer = json_or_none(content)
            found = {**scope, "status": status, "answer": answer, "items": items}
            if answer is None and content.strip() not in (b"", b"null") and 200 <= status < 300:
                raise UpstreamFailed("unintelligible", "the answer is not JSON")
            if self._items is None or self._next is None or not 200 <= status < 300:
                return found
            items += mapped(self._items, found) or []
            following = mapped(self._next, found)
            if following is None:
                return found
            more = {self._parameter: str(following)}
        raise UpstreamFailed("broken", f"more than {MAX_PAGES} pages")

    def read(self, scope: Scope) -> Document:
        """The answer in the words of the contract."""
        self.rules.apply(scope)
        status, answer = scope["status"], scope["answer"]
        if self.none and (status == 404 or (200 <= status < 300 and answer in (None, [], {}))):
            raise Declared(self.none)
        if not 200 <= status < 300:
            raise bad_status(status)
        made = mapped(self.answer, scope)
        if not isinstance(made, dict):
            raise UpstreamFailed("unintelligible", "the answer has nothing of what is asked for")
        return made
