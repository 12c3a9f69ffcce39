"""The JSON Schemas that editors use: one self-contained file for each kind of document.

They are made from the schemas that lgsp itself checks with (`PYTHONPATH=tests python -m support.reference_pages`), since an editor can resolve
no reference to another file of a package, and are served by every gateway at `/schemas/KIND.json`.
"""

from importlib.resources import files
from pathlib import Path
from typing import Literal

from lgsp_problems import NotFound

Kind = Literal[
    "contract", "manifest", "registry", "agency", "system", "service", "grant", "person", "instance", "issuers"
]

LOCAL_BUS = "http://127.0.0.1:8080"
"""Address of the bus that `lgsp up` starts."""


def folder() -> Path:
    """Find the folder of the published schemas: in the package when installed, in `docs/schemas` in a checkout."""
    package = Path(str(files("lgsp_contracts")))
    inside = package / "published"
    return inside if inside.is_dir() else package.parents[1] / "docs/schemas"


def names() -> list[str]:
    """Return the kinds of documents that have a schema, sorted."""
    return sorted(path.stem for path in folder().glob("*.json"))


def read(name: str) -> bytes:
    """Return the schema of a kind of document.

    Raises:
        NotFound: there is no such kind.
    """
    if name not in names():
        known = ", ".join(names())
        raise NotFound(vi=f"Không có lược đồ này; có: {known}.", en=f"There is no such schema; there are: {known}.")
    return (folder() / f"{name}.json").read_bytes()


def editor_line(kind: Kind, bus: str = LOCAL_BUS) -> str:
    """Return the first line of a YAML document by which editors find its schema (YAML language server), with its line break.

    Args:
        bus: address of a gateway that the editor can reach.
    """
    return f"# yaml-language-server: $schema={bus.rstrip('/')}/schemas/{kind}.json\n"
