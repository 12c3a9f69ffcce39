"""The kind `soap`: a system that speaks SOAP 1.1 or 1.2, told apart by its manifest alone.

    kind: soap
    connection: {url: {env: LGSP_POPULATION_URL}, …}
    soap: {namespace: http://dancuquocgia.bca, path: /dancuquocgia}
    operations:
      verify-citizen:
        element: XacThucThongTinCongDan
        fields: {SoDinhDanh: request.soDinhDanh}
        answer: {tonTai: answer.TonTai == 'true'}

In mappings `answer` is the first element of the body by local names (`envelopes.py`), `fault` the code of a SOAP fault.
"""

from collections.abc import Mapping
from typing import Any

from lgsp_adapters.adapter import Call, Declared, Document, UpstreamFailed
from lgsp_adapters.kinds import envelopes
from lgsp_adapters.kinds.asking import Asking
from lgsp_adapters.kinds.functions import Unmappable
from lgsp_adapters.kinds.mapping import Scope, Template
from lgsp_adapters.kinds.over_http import WebAdapter, WebOperation, in_words
from lgsp_adapters.kinds.reading import bad_status
from lgsp_adapters.kinds.rules import Rules
from lgsp_adapters.kinds.scope import ASKED
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.upstream import Upstream
from lgsp_contracts.contract import Contract
from lgsp_contracts.places import Place

ANSWERED = (*ASKED, "answer", "status", "fault")
FAULT_STATUSES = (400, 500)
"""SOAP 1.1 sends faults with 500, SOAP 1.2 a client's with 400."""


def build(manifest: Manifest, _contract: Contract) -> WebAdapter:
    """The adapter that a manifest describes."""
    return WebAdapter(manifest, _Operation)


class _Operation(WebOperation):
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

    async def ask(self, upstream: Upstream, call: Call, scope: Scope, login: Mapping[str, str]) -> Scope:
        """Ask for the answer, which may be a fault."""
        headers = {**login, **self._soap.headers(self._action)}
        status, content = await self._asking.send(upstream, call, scope, login=headers, body=self._envelope(scope))
        if status in FAULT_STATUSES or 200 <= status < 300:
            answer, fault = envelopes.body_of(content, self._soap)
        else:
            answer, fault = None, ""
        return {**scope, "status": status, "answer": answer, "fault": fault}

    def read(self, scope: Scope) -> Document:
        """The answer in the words of the contract."""
        self._rules.apply(scope)
        status, answer, fault = scope["status"], scope["answer"], scope["fault"]
        if fault:
            raise UpstreamFailed("refused" if fault in ("Client", "Sender") else "broken", f"SOAP fault {fault[:40]}")
        if not 200 <= status < 300:
            raise bad_status(status)
        if self._none and not answer:
            raise Declared(self._none)
        return in_words(self._made, scope)

    def _envelope(self, scope: Scope) -> bytes:
        try:
            fields, token = self._fields(scope), self._token(scope)
        except Unmappable as unmappable:
            raise UpstreamFailed("broken", str(unmappable)) from None
        security = envelopes.UsernameToken(token["user"], token["password"], self._digest) if token else None
        return envelopes.request(self._soap, self._namespace, self._element, fields, security)
