"""The systems that provide the contracts that come with lgsp, and their agencies: a registry that has the contracts must have them too.

They are those of the demo, without its keys, contacts and rights: an operator gives each system its key when it is connected.
"""

from collections.abc import Collection
from importlib.resources import files
from pathlib import Path
from typing import Any

from lgsp_contracts import catalog, documents

_DEMO = Path(str(files("lgsp_gateway").joinpath("local/environments/demo.yaml")))


def shipped_providers(agencies: Collection[str]) -> list[dict[str, Any]]:
    """Return the documents that the contracts that come with lgsp need.

    Args:
        agencies: codes of those that the registry has already.
    """
    providers = {contract["provider"] for _, contract in documents.read_folder(catalog.shipped_folder())}
    known = {(one["kind"], one["metadata"]["name"]): one["spec"] for _, one in documents.read(_DEMO)}
    systems = {name: known["System", name] for name in sorted(providers)}
    owners = sorted({system["agency"] for system in systems.values()} - set(agencies))
    return [
        *(_document("Agency", code, {"title": known["Agency", code]["title"]}) for code in owners),
        *(
            _document("System", name, {"agency": system["agency"], "title": system["title"]})
            for name, system in systems.items()
        ),
    ]


def _document(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "lgsp/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
