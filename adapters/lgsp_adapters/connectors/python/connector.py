"""The connector `python`: a class with an async method per operation, for what no manifest can say."""

import importlib
from collections.abc import Iterator

from lgsp_adapters.adapter import Adapter, method_of
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.contract import Contract
from lgsp_problems import Refusal


def build(manifest: Manifest, contract: Contract) -> Adapter:
    """Make the adapter that a manifest names as `module:Class`.

    Raises:
        Refusal: `invalid-document`, when there is no such class, or it lacks the method of an operation.
    """
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
        raise Refusal(
            "invalid-document",
            vi=f"{location}: không có lớp Adapter nào tên {name}; hãy viết module:Lớp và kiểm tra PYTHONPATH.",
            en=f"{location}: there is no Adapter class {name}; write module:Class and check PYTHONPATH.",
        )
    adapter = adapter_class(manifest.connection)
    for operation in contract.operations:
        method_of(adapter, operation, location)
    return adapter


def check(_manifest: Manifest, _contract: Contract) -> Iterator[Refusal]:
    """Yield nothing: the manifest says nothing of operations."""
    yield from ()
