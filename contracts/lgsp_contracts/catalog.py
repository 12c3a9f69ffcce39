"""The catalogue: all contracts of a folder, by service and major version."""

from importlib.resources import files
from pathlib import Path

from lgsp_contracts import documents
from lgsp_contracts.contract import Contract
from lgsp_problems import Refusal

Catalog = dict[tuple[str, int], Contract]
"""Service id and major version to the contract that serves it."""


def shipped_folder() -> Path:
    """Find the folder of the contracts that come with lgsp: in the package when installed, beside it in a checkout."""
    package = Path(str(files("lgsp_contracts")))
    inside = package / "catalog"
    return inside if inside.is_dir() else package.parent / "catalog"


def load(folder: Path) -> Catalog:
    """Read and compile every contract below a folder, or the one of a file.

    Raises:
        Refusal: `invalid-document`, naming file and position; also when two contracts claim one service and major.
    """
    catalog: Catalog = {}
    for location, document in documents.read(folder) if folder.is_file() else documents.read_folder(folder):
        contract = Contract.from_document(document, location)
        key = (contract.service, contract.major)
        if key in catalog:
            raise Refusal(
                "invalid-document",
                vi=f"{location}: dịch vụ {contract.service} v{contract.major} đã có một hợp đồng khác; hãy chỉ giữ lại một.",
                en=f"{location}: service {contract.service} v{contract.major} has a contract already; keep one of them.",
            )
        catalog[key] = contract
    return catalog
