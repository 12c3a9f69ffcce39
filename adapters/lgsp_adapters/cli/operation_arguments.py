"""What commands on one operation of a manifest are given: the manifest, its contract, the operation and a request."""

from pathlib import Path

import orjson

from lgsp_adapters import manifest
from lgsp_adapters.cli.contracts_option import load_catalog
from lgsp_adapters.manifest import Manifest
from lgsp_contracts import whole_numbers
from lgsp_contracts.cli.terminal import read_argument
from lgsp_contracts.contract import Contract, Operation
from lgsp_problems import NotFound


def load_both(name: str, paths: list[Path]) -> tuple[Manifest, Contract]:
    """Load a manifest, and its contract from files and folders, or from those that come with lgsp where none is given.

    Raises:
        Refusal: `invalid-document`, naming the file, the line and how to correct it.
    """
    loaded = manifest.load(manifest.find_manifest(name))
    return loaded, loaded.find_contract(load_catalog(paths))


def read_request(contract: Contract, operation: str, data: str | None) -> tuple[Operation, object]:
    """Return an operation of a contract, and a request to it as a call on the bus is read.

    Args:
        data: the request, as `read_argument` reads it; the contract's example by default.

    Raises:
        Refusal: `not-found`, when there is no such operation or file; what `Operation.check_request` raises.
    """
    declared = contract.operations.get(operation)
    if declared is None:
        known = ", ".join(contract.operations)
        raise NotFound(
            vi=f"Không có thao tác {operation}; có: {known}.",
            en=f"There is no operation {operation}; there are: {known}.",
        )
    body = read_argument(data) if data else orjson.dumps(declared.example.request)
    declared.check_request(body)
    return declared, whole_numbers.reader(declared.request.document)(body)
