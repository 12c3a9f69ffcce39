"""From a manifest and its contract to an adapter: finds the kind, and holds the two against each other.

What can only go wrong is said here, before anything runs: an operation that nobody answers, an error that the contract
does not declare, a required field that the mapping never fills.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from lgsp_adapters.adapter import Adapter, Call, Document
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.places import Place
from lgsp_problems import Refusal

ROWS = ("rows",)
"""Kinds that call a service instead of answering for one."""

_KINDS = {
    "python": "lgsp_adapters.connectors.python.connector:build",
    "http": "lgsp_adapters.connectors.http.connector:build",
    "soap": "lgsp_adapters.connectors.soap.connector:build",
    "sql": "lgsp_adapters.connectors.sql.connector:SqlAdapter",
    "files": "lgsp_adapters.connectors.files.connector:FilesAdapter",
    "rows": "lgsp_adapters.connectors.rows.connector:Requests",
    "mock": "lgsp_adapters.connectors.mock.connector:MockAdapter",
}
"""Loaded when a manifest names them: who asks over HTTP does not wait for a database's library."""


def build(manifest: Manifest, contract: Contract) -> Adapter:
    """The adapter, not yet open.

    Raises:
        Refusal: `invalid-document`, with file, line and mend.
    """
    if manifest.kind in ROWS:
        raise (manifest.place / "kind").wrong(
            f"loại {manifest.kind} gọi dịch vụ chứ không trả lời; hãy chạy nó bằng lgsp adapter run",
            f"the kind {manifest.kind} calls a service and answers nothing; run it with lgsp adapter run",
        )
    found: Adapter = hold(manifest, contract)
    return found


def answering(adapter: Adapter, operation: str, place: Place) -> Callable[[Document, Call], Awaitable[Document]]:
    """The method that answers an operation.

    Raises:
        Refusal: `invalid-document`, when there is none, or none that can be asked.
    """
    method = adapter.method(operation)
    name = operation.replace("-", "_")
    if method is None:
        raise place.wrong(
            f"bộ kết nối không có phương thức {name} cho thao tác {operation}; hãy viết nó",
            f"the adapter has no method {name} for the operation {operation}; write it",
        )
    if inspect.ismethod(method) and not (inspect.iscoroutinefunction(method) and _takes_a_call(method)):
        raise place.wrong(
            f"phương thức {name} phải là `async def {name}(self, request, call)`",
            f"the method {name} must be `async def {name}(self, request, call)`",
        )
    return method


def _takes_a_call(method: Callable[..., object]) -> bool:
    try:
        inspect.signature(method).bind({}, None)
    except TypeError:
        return False
    return True


def hold(manifest: Manifest, contract: Contract) -> Any:
    """What a manifest of any kind is made into, when it keeps its contract.

    Raises:
        Refusal: `invalid-document`, with file, line and mend.
    """
    for refusal in faults(manifest, contract):
        raise refusal
    module, _, name = _KINDS[manifest.kind].partition(":")
    made = getattr(import_module(module), name)(manifest, contract)
    if manifest.kind == "python":
        for operation in contract.operations:
            answering(made, operation, manifest.place / "adapter")
    return made


def faults(manifest: Manifest, contract: Contract) -> Iterable[Refusal]:
    """Where a manifest does not keep what the contract promises."""
    if manifest.kind in ("python", "mock"):
        return
    if manifest.kind in ROWS:
        yield from _rows(manifest, contract)
        return
    place = manifest.place / "operations"
    for name in sorted(set(manifest.operations) - set(contract.operations)):
        yield (place / name).wrong(
            f"hợp đồng không có thao tác {name}", f"the contract has no operation {name}; remove it"
        )
    for name, operation in contract.operations.items():
        told = manifest.operations.get(name)
        if told is None:
            yield place.wrong(
                f"thiếu thao tác {name} của hợp đồng", f"the contract's operation {name} is missing; add it"
            )
            continue
        yield from _errors(told, operation, place / name)
        if isinstance(told.get("answer"), dict):
            yield from _fields(told["answer"], operation.response.document, place / name / "answer")


def _rows(manifest: Manifest, contract: Contract) -> Iterable[Refusal]:
    operation = contract.operations.get(manifest.document["operation"])
    if operation is None:
        known = ", ".join(contract.operations)
        yield (manifest.place / "operation").wrong(
            f"hợp đồng không có thao tác này; có: {known}",
            f"the contract has no such operation; it has: {known}",
        )
        return
    yield from _fields(manifest.document["request"], operation.request.document, manifest.place / "request")


def _errors(told: Mapping[str, Any], operation: Operation, place: Place) -> Iterable[Refusal]:
    named = [
        (place / "errors" / number / "is", rule["is"])
        for number, rule in enumerate(told.get("errors", []))
        if "is" in rule
    ]
    named += [(place / "none", told["none"])] if "none" in told else []
    for at, code in named:
        if code not in operation.errors:
            known = ", ".join(operation.errors) or "-"
            yield at.wrong(
                f"hợp đồng không khai lỗi {code}; các lỗi được khai: {known}",
                f"the contract declares no error {code}; it declares: {known}",
            )


def _fields(template: Mapping[str, Any], schema: Mapping[str, Any], place: Place) -> Iterable[Refusal]:
    """Required fields that the mapping never fills, and fields that the contract does not have."""
    properties = schema.get("properties", {})
    if "$as" in template:
        inner = template["$as"]
        if isinstance(inner, dict):
            yield from _fields(inner, schema.get("items", {}) if "$each" in template else schema, place / "$as")
        return
    for name in schema.get("required", ()):
        if template.get(name) is None:
            yield place.wrong(
                f"trường bắt buộc {name} của hợp đồng không được điền; hãy thêm nó vào ánh xạ",
                f"the contract requires the field {name}, which the mapping never fills; add it",
            )
    for name, value in template.items():
        if name not in properties and schema.get("additionalProperties") is False:
            yield (place / name).wrong(
                f"hợp đồng không có trường {name}; hãy bỏ hoặc sửa tên",
                f"the contract has no field {name}; remove it or correct its name",
            )
        elif isinstance(value, dict):
            yield from _fields(value, properties.get(name, {}), place / name)
