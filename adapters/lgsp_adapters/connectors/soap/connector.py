"""The connector `soap`: a system that speaks SOAP 1.1 or 1.2, told apart by its manifest alone.

    kind: soap
    connection: {url: {env: LGSP_POPULATION_URL}, …}
    soap: {namespace: http://dancuquocgia.bca, path: /dancuquocgia}
    operations:
      verify-citizen:
        element: XacThucThongTinCongDan
        fields: {SoDinhDanh: request.soDinhDanh}
        answer: {tonTai: answer.TonTai == 'true'}

Where the system has a WSDL, `soap: {wsdl: civil.wsdl}` stands for version, namespace and actions; an operation then names the `operation`
of the WSDL instead of an element, lists are always lists, and numbers and truths are such.

In mappings `answer` is the first element of the body by local names (`xml_documents.py`); `fault` or `faultcode`, `subcode`, `faultstring` and
`detail` are what a SOAP fault says (`soap_faults.py`).
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from lgsp_adapters.adapter import Call, Declared, Document, UpstreamFailed
from lgsp_adapters.connectors.contract_checks import check_operations
from lgsp_adapters.connectors.soap import envelopes
from lgsp_adapters.connectors.soap.envelopes import MessageFormat
from lgsp_adapters.connectors.soap.faults import FAULT_NAMES, NO_FAULT, Fault, fault_of_rule
from lgsp_adapters.connectors.soap.shapes import Shape
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.mapping.criteria import Criteria
from lgsp_adapters.mapping.error_rules import ErrorRules
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.variables import ASKED
from lgsp_adapters.mapping.xml_documents import TEXT, document
from lgsp_adapters.upstream.client import Upstream
from lgsp_adapters.upstream.http_adapter import Exchange, HttpAdapter, HttpOperation, build_answer
from lgsp_adapters.upstream.request_templates import RequestTemplate, unsendable_value
from lgsp_adapters.upstream.response import Response
from lgsp_adapters.upstream.response_documents import parse_document_or_none
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation

_NAME = re.compile(r"[^\W\d][\w.-]*")
ANSWERED = (*ASKED, "answer", "status", *FAULT_NAMES)


def build(manifest: Manifest, _contract: Contract) -> HttpAdapter:
    """Make the adapter that a manifest describes.

    Raises:
        Refusal: `invalid-document`, also when it does not fit its WSDL.
    """
    speeches = _described(manifest) if "wsdl" in manifest.document["soap"] else _bare(manifest)
    return HttpAdapter(manifest, partial(_Operation, speeches))


def _bare(manifest: Manifest) -> Mapping[str, MessageFormat]:
    told, place = manifest.document["soap"], manifest.place / "operations"
    version = envelopes.VERSIONS[told.get("version", "1.1")]
    for name, operation in manifest.operations.items():
        if "element" not in operation:
            raise (place / name).refusal(
                "thiếu element: tên phần tử của yêu cầu", "element is missing: name the request's element"
            )
        _hold_names(operation["fields"], place / name / "fields")
    return {
        name: envelopes.UndescribedFormat(version, told["namespace"], operation["element"], operation.get("action", ""))
        for name, operation in manifest.operations.items()
    }


def _hold_names(fields: Any, place: SourceLocation) -> None:
    """Refuse fields that no XML element or attribute can be called."""
    if not isinstance(fields, dict):
        return
    for name, value in fields.items():
        if not name.startswith("$") and name != TEXT and not _NAME.fullmatch(name.removeprefix("@")):
            raise (place / name).refusal(
                f"{name} không thể là tên của phần tử XML", f"{name} cannot be the name of an XML element"
            )
        _hold_names(value, place / name)


def _described(manifest: Manifest) -> Mapping[str, MessageFormat]:
    from lgsp_adapters.connectors.soap import wsdl  # noqa: PLC0415 - what it needs takes 0.14 s to load

    told, place = manifest.document["soap"], manifest.place / "operations"
    port = wsdl.load(manifest.folder / told["wsdl"], told.get("port", ""), manifest.place / "soap" / "wsdl")
    found: dict[str, MessageFormat] = {}
    for name, operation in manifest.operations.items():
        wanted = operation.get("operation", "")
        if wanted not in port.operations:
            known = ", ".join(port.operations)
            raise (place / name / "operation").refusal(
                f"WSDL không có thao tác {wanted}; có: {known}",
                f"the WSDL has no operation {wanted}; it has: {known}",
            )
        described = found[name] = port.operations[wanted]
        _fit(operation["fields"], described.asked, place / name / "fields")
    return found


def _fit(fields: Mapping[str, Any], asked: Shape, place: SourceLocation) -> None:
    for name, value in fields.items():
        if name not in asked.fields:
            known = ", ".join(asked.fields) or "-"
            raise (place / name).refusal(
                f"WSDL không có trường {name}; có: {known}",
                f"the WSDL has no field {name}; it has: {known}",
            )
        if isinstance(value, dict) and not {"$each", "$with"} & set(value):
            _fit(value, asked.fields[name].shape, place / name)
    for name, told in asked.fields.items():
        if told.required and not told.many and name not in fields:
            raise place.refusal(
                f"thiếu trường bắt buộc {name} của WSDL", f"the WSDL requires the field {name}; fill it"
            )


class _Operation(HttpOperation):
    def __init__(
        self,
        speeches: Mapping[str, MessageFormat],
        name: str,
        operation: Mapping[str, Any],
        place: SourceLocation,
        manifest: Manifest,
    ) -> None:
        told = manifest.document["soap"]
        self._speech = speeches[name]
        path = {"method": "POST", "path": operation.get("path", told.get("path", ""))}
        self._asking = RequestTemplate(path, place, ASKED, manifest.document, manifest.place)
        self._fields = Template(operation["fields"], place / "fields", ASKED)
        token = told.get("username-token", {})
        at = manifest.place / "soap" / "username-token"
        self._token = Template({key: token[key] for key in ("user", "password") if token}, at, ASKED)
        self._digest = token.get("digest", True)
        self._rules = ErrorRules(operation.get("errors", []), place / "errors", ANSWERED)
        self.none = operation.get("none", "")
        shared = [(manifest.document.get(part), manifest.place / part) for part in ("query", "headers")]
        self.criteria = Criteria([(operation["fields"], place / "fields"), *shared])
        self._made = Template(operation["answer"], place / "answer", ANSWERED)

    async def ask(
        self, upstream: Upstream, call: Call, scope: Scope, login: Mapping[str, str], unhurried: MappingExecutor
    ) -> Exchange:
        """Ask for the answer, which may be a fault."""
        headers = {**login, **self._speech.version.headers(self._speech.action)}
        heard = await self._asking.send(
            upstream, call, scope, login=headers, build=partial(self._envelope, scope), unhurried=unhurried
        )
        answer, fault = await unhurried.do(partial(self._body, heard))
        told = fault.variables() if fault else NO_FAULT
        return {**scope, "status": heard.status, "answer": answer, **told}, heard

    def _body(self, heard: Response) -> tuple[Any, Fault | None]:
        """What the body holds, or the fault that it is; an error may come as something else, or as nothing at all."""
        try:
            found = envelopes.read_body(heard, self._speech.version)
            if isinstance(found, Fault):
                return None, found
            return (self._speech.read(found) if heard.good else document(found)), None
        except UpstreamFailed as failure:
            if heard.good:
                raise heard.failed(failure.why, failure.private) from failure
            return parse_document_or_none(heard), None

    def read(self, scope: Scope, heard: Response) -> Document:
        """Map the system's answer to the contract's."""
        fault = fault_of_rule(scope)
        self._rules.apply(scope, well=heard.good and fault is None)
        if fault:
            raise heard.failed(fault.why(), fault.note(), said=fault.said())
        if not heard.good:
            raise heard.bad_status()
        if self.none and not scope["answer"]:
            raise Declared(self.none)
        return build_answer(self._made, scope)

    def _envelope(self, scope: Scope) -> bytes:
        try:
            fields, token = self._fields(scope), self._token(scope)
            security = envelopes.UsernameToken(token["user"], token["password"], self._digest) if token else None
            return self._speech.envelope(fields, security)
        except MappingError as unmappable:
            raise unsendable_value(self._fields, unmappable) from unmappable


check = check_operations
