"""The kind `soap`: a system that speaks SOAP 1.1 or 1.2, told apart by its manifest alone.

    kind: soap
    connection: {url: {env: LGSP_POPULATION_URL}, …}
    soap: {namespace: http://dancuquocgia.bca, path: /dancuquocgia}
    operations:
      verify-citizen:
        element: XacThucThongTinCongDan
        fields: {SoDinhDanh: request.soDinhDanh}
        answer: {tonTai: answer.TonTai == 'true'}

In mappings `answer` is the first element of the body by local names (`reading_xml.py`), `fault` the code of a SOAP fault.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from lgsp_adapters.adapter import Adapter, Call, Declared, Document, UpstreamFailed
from lgsp_adapters.kinds import envelopes, tls
from lgsp_adapters.kinds.asking import Asking
from lgsp_adapters.kinds.functions import Unmappable
from lgsp_adapters.kinds.login import Authentication
from lgsp_adapters.kinds.mapping import Scope, Template
from lgsp_adapters.kinds.reading import bad_status
from lgsp_adapters.kinds.rules import Rules, mapped
from lgsp_adapters.kinds.scope import ASKED, before
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.upstream import Upstream
from lgsp_contracts.contract import Contract
from lgsp_contracts.places import Place

ANSWERED = (*ASKED, "answer", "status", "fault")
FAULT_STATUSES = (400, 500)
"""SOAP 1.1 sends faults with 500, SOAP 1.2 a client's with 400."""


class SoapAdapter(Adapter):
    """An adapter that its manifest describes."""

    def __init__(self, manifest: Manifest, contract: Contract) -> None:
        super().__init__(manifest.connection)
        login = manifest.document.get("authentication", {})
        self._login = Authentication(login, manifest.place / "authentication", manifest.connection)
        self._tls = tls.context(manifest.document.get("tls", {}), manifest.folder, manifest.place / "tls")
        place = manifest.place / "operations"
        self.operations = {
            name: _Operation(document, place / name, manifest) for name, document in manifest.operations.items()
        }

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
        scope = {**before(self.connection, request, call), "session": await self._login.session(call)}
        return await operation.ask(self._upstream, call, scope, self._login.headers(scope))


class _Operation:
    def __init__(self, document: Mapping[str, Any], place: Place, manifest: Manifest) -> None:
        told = manifest.document["soap"]
        self._soap = envelopes.VERSIONS[told.get("version", "1.1")]
        self._namespace, self._element = told["namespace"], document["element"]
        self._action = document.get("action", "")
        path = {"method": "POST", "path": document.get("path", told.get("path", ""))}
        self._asking = Asking(path, place, ASKED, manifest.document, manifest.place)
        self._fields = Template(document["fields"], place / "fields", ASKED)
        token = told.get("username-token", {})
        at = manifest.place / "soap" / "username-token"
        self._token = Template({key: token[key] for key in ("user", "password") if token}, at, ASKED)
        self._digest = token.get("digest", True)
        self._rules = Rules(document.get("errors", []), place / "errors", ANSWERED)
        self._none = document.get("none", "")
        self._made = Template(document["answer"], place / "answer", ANSWERED)

    async def ask(self, upstream: Upstream, call: Call, scope: Scope, login: Mapping[str, str]) -> Document:
        headers = {**login, **self._soap.headers(self._action)}
        status, content = await self._asking.send(upstream, call, scope, login=headers, body=self._envelope(scope))
        if status in FAULT_STATUSES or 200 <= status < 300:
            answer, fault = envelopes.body_of(content, self._soap)
        else:
            answer, fault = None, ""
        found = {**scope, "status": status, "answer": answer, "fault": fault}
        self._rules.apply(found)
        if fault:
            raise UpstreamFailed("refused" if fault in ("Client", "Sender") else "broken", f"SOAP fault {fault[:40]}")
        if not 200 <= status < 300:
            raise bad_status(status)
        if self._none and not answer:
            raise Declared(self._none)
        made = mapped(self._made, found)
        if not isinstance(made, dict):
            raise UpstreamFailed("unintelligible", "the answer has nothing of what is asked for")
        return made

    def _envelope(self, scope: Scope) -> bytes:
        try:
            fields, token = self._fields(scope), self._token(scope)
        except Unmappable as unmappable:
            raise UpstreamFailed("broken", str(unmappable)) from None
        security = envelopes.UsernameToken(token["user"], token["password"], self._digest) if token else None
        return envelopes.request(self._soap, self._namespace, self._element, fields, security)
