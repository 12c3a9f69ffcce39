"""Finds the folders of connectors: those beside this module, and those that other packages bring by the entry point `lgsp.connectors`.

    [project.entry-points."lgsp.connectors"]
    dbf = "lgsp_connector_dbf"

The name is what a manifest gives as `kind`; the value is the package with `connector.py`, `schema.json` and `README.md`. Nothing of a package is
loaded before a manifest names its connector. A package cannot replace a connector that comes with lgsp.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import ModuleType

from lgsp_problems import CannotStart

GROUP = "lgsp.connectors"


def names() -> list[str]:
    """Return the names of all connectors, sorted."""
    return sorted(_packages())


@cache
def shipped_names() -> list[str]:
    """Return the names of the connectors that come with lgsp, sorted."""
    folder = files("lgsp_adapters.connectors")
    return sorted(each.name for each in folder.iterdir() if each.joinpath("schema.json").is_file())


def folder(name: str) -> Traversable:
    """Return the folder of a connector.

    Args:
        name: one of `names`.

    Raises:
        CannotStart: the package that brings it cannot be loaded.
    """
    package = _packages()[name]
    try:
        return files(package)
    except ImportError as error:
        raise _unloadable(name, package, error) from error


def module(name: str) -> ModuleType:
    """Load the module `connector.py` of a connector.

    Args:
        name: one of `names`.

    Raises:
        CannotStart: it cannot be loaded.
    """
    package = _packages()[name]
    try:
        return import_module(f"{package}.connector")
    except ImportError as error:
        raise _unloadable(name, package, error) from error


@cache
def _packages() -> Mapping[str, str]:
    others = {entry.name: entry.value for entry in entry_points(group=GROUP)}
    return others | {name: f"lgsp_adapters.connectors.{name}" for name in shipped_names()}


def _unloadable(name: str, package: str, error: ImportError) -> CannotStart:
    return CannotStart(
        vi=f"Không nạp được bộ kết nối {name} từ gói {package}: {error}; hãy cài các gói mà nó cần.",
        en=f"The connector {name} of the package {package} cannot be loaded: {error}; install the packages that it needs.",
    )
