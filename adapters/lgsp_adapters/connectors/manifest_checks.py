"""Checks manifests against contracts before anything runs: a fault is refused with its file, its line and how to correct it.

Such as an operation that nobody answers, an error that the contract does not declare, a required field that the mapping never fills.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lgsp_adapters.manifest import Manifest
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.source_location import DocumentRefusal, SourceLocation
from lgsp_problems import Refusal


def check_operations(manifest: Manifest, contract: Contract) -> Iterator[Refusal]:
    """Yield where the operations of a manifest do not keep what their contract promises."""
    location = manifest.location / "operations"
    for name in sorted(set(manifest.operations) - set(contract.operations)):
        yield (location / name).refusal(
            f"hợp đồng không có thao tác {name}", f"the contract has no operation {name}; remove it"
        )
    for name, operation in contract.operations.items():
        mapping = manifest.operations.get(name)
        if mapping is None:
            yield location.refusal(
                f"thiếu thao tác {name} của hợp đồng", f"the contract's operation {name} is missing; add it"
            )
            continue
        yield from _check_errors(mapping, operation, location / name)
        if isinstance(mapping.get("answer"), dict):
            yield from _check_fields(mapping["answer"], operation.response.document, location / name / "answer")


def check_row_requests(manifest: Manifest, contract: Contract) -> Iterator[Refusal]:
    """Yield where the requests that a manifest makes of rows do not keep the contract of the service that they call."""
    operation = contract.operations.get(manifest.document["operation"])
    if operation is None:
        known = ", ".join(contract.operations)
        yield (manifest.location / "operation").refusal(
            f"hợp đồng không có thao tác này; có: {known}",
            f"the contract has no such operation; it has: {known}",
        )
        return
    yield from _check_fields(manifest.document["request"], operation.request.document, manifest.location / "request")


def _check_errors(mapping: Mapping[str, Any], operation: Operation, location: SourceLocation) -> Iterator[Refusal]:
    error_codes = [
        (location / "errors" / number / "is", rule["is"])
        for number, rule in enumerate(mapping.get("errors", []))
        if "is" in rule
    ]
    error_codes += [(location / "none", mapping["none"])] if "none" in mapping else []
    for code_location, code in error_codes:
        if code not in operation.errors:
            known = ", ".join(operation.errors) or "-"
            yield code_location.refusal(
                f"hợp đồng không khai lỗi {code}; các lỗi được khai: {known}",
                f"the contract declares no error {code}; it declares: {known}",
            )


def _check_fields(
    template: Mapping[str, Any], schema: Mapping[str, Any], location: SourceLocation
) -> Iterator[Refusal]:
    """Required fields that the mapping never fills, and fields that the contract does not have."""
    properties = schema.get("properties", {})
    if "$as" in template:
        inner = template["$as"]
        if isinstance(inner, dict):
            yield from _check_fields(
                inner, schema.get("items", {}) if "$each" in template else schema, location / "$as"
            )
        return
    yield from field_faults(template, schema, location)
    for name, value in template.items():
        if isinstance(value, dict) and (name in properties or schema.get("additionalProperties") is not False):
            yield from _check_fields(value, properties.get(name, {}), location / name)


def field_faults(
    template: Mapping[str, Any], schema: Mapping[str, Any], location: SourceLocation
) -> Iterator[DocumentRefusal]:
    """Yield the required fields that an object of a template never fills, and its fields that the schema of that object does not have."""
    for name in schema.get("required", ()):
        if template.get(name) is None:
            yield location.refusal(
                f"trường bắt buộc {name} của hợp đồng không được điền; hãy thêm nó vào ánh xạ",
                f"the contract requires the field {name}, which the mapping never fills; add it",
            )
    for name in template:
        if name not in schema.get("properties", {}) and schema.get("additionalProperties") is False:
            yield (location / name).refusal(
                f"hợp đồng không có trường {name}; hãy bỏ hoặc sửa tên",
                f"the contract has no field {name}; remove it or correct its name",
            )
