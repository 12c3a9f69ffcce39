"""The option `--contract` of the commands that compare a manifest with its contract."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lgsp_contracts import catalog as catalogs

Contracts = Annotated[list[Path], Parameter(name="--contract", negative="")]


def load_catalog(paths: list[Path]) -> catalogs.Catalog:
    """Load the contracts of files and folders; those that come with lgsp where none is given.

    Raises:
        Refusal: `invalid-document`, naming file and position.
    """
    catalog: catalogs.Catalog = {}
    for path in paths or [catalogs.shipped_folder()]:
        catalog |= catalogs.load(path)
    return catalog
