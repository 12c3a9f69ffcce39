"""The connector `soap`: a system that speaks SOAP 1.1 or 1.2, described by its manifest alone.

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
`detail` are what a SOAP fault says (`faults.py`).
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from lgsp_adapters.adapter import Call, Declared, Document, UpstreamFailed
from lgsp_adapters.connectors.manifest_checks import check_operations
from lgsp_adapters.connectors.soap import envelopes
from lgsp_adapters.connectors.soap.envelopes import MessageFormat
from lgsp_adapters.connectors.soap.faults import FAULT_NAMES, NO_FAULT, Fault, fault_of_rule
from lgsp_adapters.connectors.soap.shapes import Shape
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.mapping.criteria import Criteria
from lgsp_adapters.mapping.error_rules import ErrorRules
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.parsing_functions import document_of
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.variables import REQUEST_VARIABLES
from lgsp_adapters.mapping.xml_documents import TEXT, document, local_name, tree
from lgsp_adapters.upstream.carried_files import CarriedFiles
from lgsp_adapters.upstream.client import Upstream
from lgsp_adapters.upstream.http_adapter import Exchange, HttpAdapter, HttpOperation, build_answer
from lgsp_adapters.upstream.request_templates import RequestTemplate, unsendable_value
from lgsp_adapters.upstream.response import Response
from lgsp_adapters.upstream.response_documents import parse_document_or_none
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation

_NAME = re.compile(r"[^\W\d][\w.-]*")
RESPONSE_VARIABLES = (*REQUEST_VARIABLES, "answer", "status", *FAULT_NAMES)


def build(manifest: Manifest, _contract: Contract) -> HttpAdapter:
    """Make the adapter that a manifest describes.

    Raises:
        Refusal: `invalid-document`, also when it does not fit its WSDL.
    """
    return HttpAdapter(manifest, partial(_Operation, message_formats(manifest)))


def message_formats(manifest: Manifest) -> Mapping[str, MessageFormat]:
    """Return the format of the messages of each operation, as the WSDL or the manifest describes it.

    Raises:
        Refusal: `invalid-document`, also when the manifest does not fit its WSDL.
    """
    return _formats_from_wsdl(manifest) if "wsdl" in manifest.document["soap"] else _formats_without_wsdl(manifest)


def _formats_without_wsdl(manifest: Manifest) -> Mapping[str, MessageFormat]:
    settings, location = manifest.document["soap"], manifest.location / "operations"
    version = envelopes.VERSIONS[settings.get("version", "1.1")]
    _check_names(settings.get("header"), manifest.location / "soap" / "header")
    for name, operation in manifest.operations.items():
        if "element" not in operation:
            raise (location / name).refusal(
                "thiếu element: tên phần tử của yêu cầu", "element is missing: name the request's element"
            )
        _check_names(operation["fields"], location / name / "fields")
    return {
        name: envelopes.UndescribedFormat(
            version, settings["namespace"], operation["element"], operation.get("action", "")
        )
        for name, operation in manifest.operations.items()
    }


def _check_names(fields: Any, location: SourceLocation) -> None:
    """Refuse fields that no XML element or attribute can be called."""
    if not isinstance(fields, dict):
        return
    for name, value in fields.items():
        if not name.startswith("$") and name != TEXT and not _NAME.fullmatch(name.removeprefix("@")):
            raise (location / name).refusal(
                f"{name} không thể là tên của phần tử XML", f"{name} cannot be the name of an XML element"
            )
        _check_names(value, location / name)


def _formats_from_wsdl(manifest: Manifest) -> Mapping[str, MessageFormat]:
    from lgsp_adapters.connectors.soap import wsdl  # noqa: PLC0415 - what it needs takes 0.14 s to load

    settings, location = manifest.document["soap"], manifest.location / "operations"
    port = wsdl.load(manifest.folder / settings["wsdl"], settings.get("port", ""), manifest.location / "soap" / "wsdl")
    formats: dict[str, MessageFormat] = {}
    for name, operation in manifest.operations.items():
        operation_name = operation.get("operation", "")
        if operation_name not in port.operations:
            known = ", ".join(port.operations)
            raise (location / name / "operation").refusal(
                f"WSDL không có thao tác {operation_name}; có: {known}",
                f"the WSDL has no operation {operation_name}; it has: {known}",
            )
        message_format = formats[name] = port.operations[operation_name]
        _check_fields(operation["fields"], message_format.request, location / name / "fields")
    headers = [port.operations[operation["operation"]].header for operation in manifest.operations.values()]
    _check_header(settings.get("header", {}), headers, manifest.location / "soap" / "header")
    return formats


def _check_header(header: Mapping[str, Any], shapes: Sequence[Shape], location: SourceLocation) -> None:
    """Refuse elements of the SOAP header that no operation has."""
    known = {name: field.shape for shape in shapes for name, field in shape.fields.items()}
    for name, fields in header.items():
        if name not in known or not isinstance(fields, dict):
            names = ", ".join(known) or "-"
            raise (location / name).refusal(
                f"WSDL không có phần tử {name} trong SOAP header; có: {names}",
                f"the WSDL has no element {name} in the SOAP header; it has: {names}",
            )
        _check_fields(fields, known[name], location / name)


def _check_fields(fields: Mapping[str, Any], request_shape: Shape, location: SourceLocation) -> None:
    for name, value in fields.items():
        if name not in request_shape.fields:
            known = ", ".join(request_shape.fields) or "-"
            raise (location / name).refusal(
                f"WSDL không có trường {name}; có: {known}",
                f"the WSDL has no field {name}; it has: {known}",
            )
        if isinstance(value, dict) and not {"$each", "$with"} & set(value):
            _check_fields(value, request_shape.fields[name].shape, location / name)
    for name, declared in request_shape.fields.items():
        if declared.required and not declared.many and name not in fields:
            raise location.refusal(
                f"thiếu trường bắt buộc {name} của WSDL", f"the WSDL requires the field {name}; fill it"
            )


class _Operation(HttpOperation):
    def __init__(
        self,
        formats: Mapping[str, MessageFormat],
        name: str,
        operation: Mapping[str, Any],
        location: SourceLocation,
        manifest: Manifest,
    ) -> None:
        settings = manifest.document["soap"]
        self._format = formats[name]
        files = CarriedFiles(operation, location, REQUEST_VARIABLES, RESPONSE_VARIABLES)
        self.request_files, self.answer_files = files.of_request, files.of_answer
        path = {"method": "POST", "path": operation.get("path", settings.get("path", ""))}
        self._request = RequestTemplate(path, location, REQUEST_VARIABLES, manifest.document, manifest.location)
        self._fields = Template(operation["fields"], location / "fields", files.request_variables)
        token = settings.get("username-token", {})
        token_location = manifest.location / "soap" / "username-token"
        self._token = Template(
            {key: token[key] for key in ("user", "password") if token}, token_location, REQUEST_VARIABLES
        )
        self._digest = token.get("digest", True)
        header_location = manifest.location / "soap" / "header"
        self._header = Template(settings.get("header", {}), header_location, REQUEST_VARIABLES)
        self._rules = ErrorRules(operation.get("errors", []), location / "errors", RESPONSE_VARIABLES)
        self.none = operation.get("none", "")
        shared = [(manifest.document.get(part), manifest.location / part) for part in ("query", "headers")]
        self.criteria = Criteria([(operation["fields"], location / "fields"), *shared])
        self._answer = Template(operation["answer"], location / "answer", files.response_variables)

    async def ask(
        self, upstream: Upstream, call: Call, scope: Scope, login: Mapping[str, str], executor: MappingExecutor
    ) -> Exchange:
        """Call the operation; the response may be a fault."""
        headers = {**login, **self._format.version.headers(self._format.action)}
        response = await self._request.send(
            upstream, call, scope, login=headers, build=partial(self._envelope, scope), executor=executor
        )
        answer, fault = await executor.run(partial(self._body, response))
        fault_variables = fault.variables() if fault else NO_FAULT
        return {**scope, "status": response.status, "answer": answer, **fault_variables}, response

    def _body(self, response: Response) -> tuple[Any, Fault | None]:
        """Return the body as a document, or the fault in it; an error may have another body, or none."""
        try:
            body = envelopes.read_body(response, self._format.version)
            if isinstance(body, Fault):
                return None, body
            return (self._format.read(body) if response.is_success else document(body)), None
        except UpstreamFailed as failure:
            if response.is_success:
                raise response.failed(failure.why, failure.private) from failure
            return parse_document_or_none(response), None

    def read(self, scope: Scope, response: Response) -> Document:
        """Map the system's answer to the contract's."""
        fault = fault_of_rule(scope)
        self._rules.apply(scope, successful=response.is_success and fault is None)
        if fault:
            raise response.failed(fault.why(), fault.note(), upstream_message=fault.message())
        if not response.is_success:
            raise response.bad_status()
        if self.none and not scope["answer"]:
            raise Declared(self.none)
        return build_answer(self._answer, scope)

    def _envelope(self, scope: Scope) -> bytes:
        try:
            fields, token = self._fields(scope), self._token(scope)
            security = envelopes.UsernameToken(token["user"], token["password"], self._digest) if token else None
            return self._format.envelope(fields, security, self._header(scope))
        except MappingError as unmappable:
            raise unsendable_value(self._fields, unmappable) from unmappable


def answer_variables(manifest: Manifest, operation: str, content: bytes, status: int) -> dict[str, Any]:
    """Make the variables of an answer in a file: an envelope, the answer's element alone, or the document as JSON.

    Raises:
        ValueError, MappingError, UpstreamFailed: it is none.
    """
    made = {"status": status, "answer": None, **NO_FAULT}
    response = Response(status, content)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"<":
        return {**made, "answer": document_of(response.text().strip().lstrip("\ufeff"))}
    message_format = message_formats(manifest)[operation]
    root = tree(content)
    if local_name(root) != "Envelope":
        return {**made, "answer": message_format.read(root)}
    body = envelopes.read_body(response, message_format.version)
    if isinstance(body, Fault):
        return {**made, **body.variables()}
    return {**made, "answer": message_format.read(body)}


check = check_operations
