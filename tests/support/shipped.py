"""What comes with lgsp, found once for all tests of a process: each file of tests is imported by each process of a run."""

import ast
import functools
import gc
import os
from pathlib import Path

from lgsp_contracts import catalog

ROOT = Path(__file__).parents[2]
_OTHERS = {"node_modules", "__pycache__"}
"""Folders of packages and compiled files: going through them took half a second of a core each time."""


@functools.cache
def shipped_catalogue() -> catalog.Catalog:
    """The contracts that come with lgsp, compiled."""
    return catalog.load(catalog.shipped_folder())


@functools.cache
def files_below(folder: str, suffix: str) -> tuple[Path, ...]:
    """Our own files with a suffix below a folder of the repository, in the order of their paths."""
    found = []
    for above, folders, names in os.walk(ROOT / folder):
        folders[:] = [name for name in folders if name not in _OTHERS]
        found += [Path(above, name) for name in names if name.endswith(suffix)]
    return tuple(sorted(found))


@functools.cache
def syntax_tree(file: Path) -> ast.Module:
    """The source of a file, parsed. It is left out of each collection of garbage: with all of ours these took longer than the parsing."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    finally:
        gc.freeze()
        if collects:
            gc.enable()
