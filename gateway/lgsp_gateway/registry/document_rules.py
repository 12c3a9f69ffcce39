"""What a document must be before it is kept: its schema, and that what it refers to is there."""

from collections.abc import Mapping
from typing import Any

from lgsp_auth.client_authentication import ASSERTION_ALGORITHMS
from lgsp_auth.public_jwk import fault_of
from lgsp_contracts import documents, pointers
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.summary import ContractSummary
from lgsp_gateway.registry import references
from lgsp_gateway.registry.documents import service_name
from lgsp_gateway.registry.form_systems import is_form_system_name
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal, Text


def check(document: Any, where: str | SourceLocation, registry: RegistrySnapshot) -> None:
    """Hold a document against the rules of its kind and against the registry it is for.

    Raises:
        Refusal: `invalid-document`, naming place and mend.
    """
    documents.check("registry", document, where)
    if document["kind"] == "Service":
        Contract.from_document(document["spec"]["contract"], SourceLocation.of(where) / "spec" / "contract")
    check_references(document, where, registry)


def check_references(document: Any, where: str | SourceLocation, registry: RegistrySnapshot) -> None:
    """Hold a document that keeps its schema, and whose contract compiles, against the registry it is for.

    Raises:
        Refusal: `invalid-document`, naming place and mend.
    """
    _CHECKS[document["kind"]](where, document["metadata"]["name"], document["spec"], registry)


def check_unused(kind: str, name: str, registry: RegistrySnapshot) -> None:
    """Raise when other documents refer to a document that is to be deleted.

    Raises:
        Refusal: `in-use`, naming one of them.
    """
    user = references.referring_document(kind, name, registry)
    if user:
        raise Refusal(
            "in-use",
            vi=f"{kind} {name} còn được {user} dùng; hãy bỏ hoặc sửa tài liệu đó trước.",
            en=f"{kind} {name} is still used by {user}; remove or change that document first.",
        )


def _instance(where: str | SourceLocation, name: str, spec: Mapping[str, Any], registry: RegistrySnapshot) -> None:
    pass  # its schema says it all


def _agency(where: str | SourceLocation, name: str, spec: Mapping[str, Any], registry: RegistrySnapshot) -> None:
    pass  # its schema says it all


def _purpose(where: str | SourceLocation, name: str, spec: Mapping[str, Any], registry: RegistrySnapshot) -> None:
    pass  # its schema says it all


def _system(where: str | SourceLocation, name: str, spec: Mapping[str, Any], registry: RegistrySnapshot) -> None:
    if is_form_system_name(name):
        location = SourceLocation.of(where).at("/metadata/name")
        raise Refusal(
            "invalid-document",
            vi=f"{location}: tên này dành cho hệ thống biểu mẫu mà trục tự tạo cho mỗi cơ quan; hãy chọn tên khác.",
            en=f"{location}: this name is that of a form system, which the bus makes for each agency; choose another name.",
        )
    if spec["agency"] not in registry.agencies:
        raise _missing(where, "/spec/agency", "Agency", spec["agency"])
    for number, jwk in enumerate(spec.get("jwks", ())):
        fault = fault_of(jwk, ASSERTION_ALGORITHMS)
        if fault is None and jwk["kid"] in [other["kid"] for other in spec["jwks"][:number]]:
            fault = Text(
                "có kid trùng với khóa khác; mỗi khóa một kid", "has the kid of another; give each key its own"
            )
        if fault:
            location = SourceLocation.of(where) / "spec" / "jwks" / str(number)
            raise Refusal("invalid-document", vi=f"{location}: khóa {fault.vi}.", en=f"{location}: the key {fault.en}.")


def _person(where: str | SourceLocation, name: str, spec: Mapping[str, Any], registry: RegistrySnapshot) -> None:
    if spec["agency"] not in registry.agencies:
        raise _missing(where, "/spec/agency", "Agency", spec["agency"])


def _service(where: str | SourceLocation, name: str, spec: Mapping[str, Any], registry: RegistrySnapshot) -> None:
    contract = ContractSummary.from_document(spec["contract"])
    expected = service_name(contract.service, contract.major)
    if name != expected:
        raise Refusal(
            "invalid-document",
            vi=f"{SourceLocation.of(where).at('/metadata/name')}: hợp đồng {contract.service} {contract.version} phải mang tên {expected}.",
            en=f"{SourceLocation.of(where).at('/metadata/name')}: the contract {contract.service} {contract.version} must be named {expected}.",
        )
    if contract.provider not in registry.systems:
        raise _missing(where, "/spec/contract/provider", "System", contract.provider)


def _grant(where: str | SourceLocation, name: str, spec: Mapping[str, Any], registry: RegistrySnapshot) -> None:
    _check_consumer(where, spec, registry)
    contract = registry.contract_document(spec["service"], spec["major"])
    if contract is None:
        raise _missing(where, "/spec/service", "Service", service_name(spec["service"], spec["major"]))
    for part, kind, schema_key in (("operations", "operation", "response"), ("events", "event", "data")):
        for named, content in spec.get(part, {}).items():
            pointer, declared = f"/spec/{part}/{named}", contract.get(part, {}).get(named)
            if declared is None:
                raise _missing(where, pointer, kind, named)
            for number, field in enumerate(content["fields"]):
                if field != "*" and not _has_field(declared[schema_key], field):
                    raise _missing(where, f"{pointer}/fields/{number}", "field", field)


def _check_consumer(where: str | SourceLocation, spec: Mapping[str, Any], registry: RegistrySnapshot) -> None:
    """Check that a grant for officers is for the form system of their agency, and every other one for a registered system."""
    consumer, location = spec["consumer"], SourceLocation.of(where).at("/spec/consumer")
    if "officers" not in spec:
        if consumer in registry.form_systems and consumer not in registry.systems:
            raise Refusal(
                "invalid-document",
                vi=f"{location}: {consumer} là hệ thống biểu mẫu, chỉ cán bộ dùng được; hãy thêm officers.",
                en=f"{location}: {consumer} is a form system, which officers alone use; add officers.",
            )
        if consumer not in registry.systems:
            raise _missing(where, "/spec/consumer", "System", consumer)
    elif consumer not in registry.form_systems or consumer in registry.systems:
        raise Refusal(
            "invalid-document",
            vi=f"{location}: quyền cho cán bộ phải thuộc hệ thống biểu mẫu của cơ quan đã đăng ký, ví dụ forms-h49-12 cho H49.12; hãy sửa lại tên.",
            en=f"{location}: a grant for officers is for the form system of a registered agency, such as forms-h49-12 for H49.12; correct the name.",
        )


_CHECKS = {
    "Instance": _instance,
    "Agency": _agency,
    "Purpose": _purpose,
    "Person": _person,
    "System": _system,
    "Service": _service,
    "Grant": _grant,
}


def _has_field(schema: Mapping[str, Any], field: str) -> bool:
    """Does the schema of a response, or of the data of an event, know a field? References and arrays on the way are followed."""
    at: Any = schema
    for part in pointers.split(field):
        at = _followed(schema, at)
        if not isinstance(at, Mapping) or part not in at.get("properties", {}):
            return False
        at = at["properties"][part]
    return True


def _followed(root: Mapping[str, Any], at: Any) -> Any:
    for _ in range(20):  # a reference to itself leads nowhere
        if not isinstance(at, Mapping) or not ("$ref" in at or "items" in at):
            return at
        at = pointers.find(root, pointers.split(at["$ref"][1:])) if "$ref" in at else at["items"]
    return None


def _missing(where: str | SourceLocation, pointer: str, kind: str, name: str) -> Refusal:
    return Refusal(
        "invalid-document",
        vi=f"{SourceLocation.of(where).at(pointer)}: không có {kind} {name}; hãy khai báo nó trước hoặc sửa lại tên.",
        en=f"{SourceLocation.of(where).at(pointer)}: there is no {kind} {name}; declare it first or correct the name.",
    )
