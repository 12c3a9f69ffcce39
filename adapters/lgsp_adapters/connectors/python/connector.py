"""The connector `python`: a class with an async method per operation, for what no manifest can say."""

import importlib
import inspect
from collections.abc import Iterator
from types import MethodType

from lgsp_adapters.adapter import Adapter, method_fault, method_of
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.contract import Contract
from lgsp_problems import Refusal


def build(manifest: Manifest, contract: Contract) -> Adapter:
    """Make the adapter that a manifest names as `module:Class`.

    Raises:
        Refusal: `invalid-document`, when there is no such class, or it lacks the method of an operation.
    """
    adapter = _load_class(manifest)(manifest.connection)
    for operation in contract.operations:
        method_of(adapter, operation, manifest.location / "adapter")
    return adapter


def _load_class(manifest: Manifest) -> type[Adapter]:
    name, location = manifest.document["adapter"], manifest.location / "adapter"
    module, _, attribute = name.partition(":")
    try:
        adapter_class = getattr(importlib.import_module(module), attribute, None)
    except (ImportError, SyntaxError) as error:
        raise location.refusal(
            f"không nạp được {module}: {error}; hãy kiểm tra PYTHONPATH và các thư viện mà nó cần",
            f"cannot import {module}: {error}; check PYTHONPATH and the packages that it needs",
        ) from error
    if not (isinstance(adapter_class, type) and issubclass(adapter_class, Adapter)):
        raise location.refusal(
            f"không có lớp Adapter nào tên {name}; hãy viết module:Lớp và kiểm tra PYTHONPATH",
            f"there is no Adapter class {name}; write module:Class and check PYTHONPATH",
        )
    return adapter_class


def check(manifest: Manifest, contract: Contract) -> Iterator[Refusal]:
    """Yield each operation for which the class that a manifest names has no method, without making an object of it."""
    try:
        adapter_class = _load_class(manifest)
    except Refusal as refusal:
        yield refusal
        return
    if adapter_class.method is not Adapter.method:
        return  # it finds its methods in its own way, which only an object of it can tell
    for operation in contract.operations:
        function = getattr(adapter_class, operation.replace("-", "_"), None)
        method = MethodType(function, adapter_class) if inspect.isfunction(function) else function
        fault = method_fault(method, operation)
        if fault:
            yield (manifest.location / "adapter").refusal(fault.vi, fault.en)
