"""A connector is a folder with fixed file names, documented from its schema; what adapters raise is one family."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from support.connector_fields import CONNECTORS, with_fields

import lgsp_adapters
from lgsp_adapters import manifest
from lgsp_adapters.adapter import Call
from lgsp_adapters.conformance import check_folder
from lgsp_adapters.errors import AdapterError
from lgsp_contracts.wire import Context
from lgsp_problems import Refusal

FOLDERS = sorted(file.parent for file in CONNECTORS.glob("*/schema.json"))


def modules() -> Iterator[ModuleType]:
    """All modules of adapters but the child process, which runs when it is imported."""
    for found in pkgutil.walk_packages(lgsp_adapters.__path__, "lgsp_adapters."):
        if not found.name.startswith("lgsp_adapters.systems"):
            yield importlib.import_module(found.name)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_connector_has_its_files_and_its_readme_says_what_its_schema_says(folder: Path) -> None:
    assert [result for result in check_folder(folder.name) if not result.passed] == []
    readme = folder / "README.md"
    assert readme.read_text(encoding="utf-8") == with_fields(folder), "run python -m support.connector_fields"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_example_of_a_readme_is_a_manifest(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = (folder / "README.md").read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    for name in ("FINES_URL", "REGISTER_URL", "LAND_URL", "PERMITS_FOLDER", "BIRTHS_FOLDER"):
        monkeypatch.setenv(name, "x")
    (tmp_path / "adapter.yaml").write_text(example, encoding="utf-8")
    assert manifest.load(tmp_path / "adapter.yaml").kind == folder.name


def test_a_connector_that_there_is_not_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "adapter.yaml").write_text("{service: so, major: 1, system: so, kind: ftp}")
    with pytest.raises(Refusal) as refused:
        manifest.load(tmp_path / "adapter.yaml")
    assert all(folder.name in refused.value.detail.en for folder in FOLDERS), refused.value.detail.en


def test_what_adapters_raise_is_one_family() -> None:
    raised = {
        kind
        for module in modules()
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__.startswith("lgsp_adapters.")
    }
    assert len(raised) > 10
    assert [kind for kind in raised if not issubclass(kind, AdapterError)] == []


def test_each_attribute_of_a_call_is_documented_for_ones_own_class() -> None:
    readme = (CONNECTORS / "python/README.md").read_text(encoding="utf-8")
    context = Context("m", "c", "a", "p", "1.0.0", 0, "t")
    attributes = {name for name in dir(Call(context)) if not name.startswith("_")} - {"context"}
    documented = set(re.findall(r"^\| `call\.([\w.]+)` \|", readme, re.MULTILINE))
    assert documented == attributes | {f"context.{name}" for name in context._fields}


def test_the_connector_of_another_package_imports_what_is_public_and_no_more() -> None:
    root = CONNECTORS.parents[2]
    public = set(
        re.findall(r"`(lgsp_[\w.]+)`", (root / "docs/integrate/write-a-connector.md").read_text(encoding="utf-8"))
    )
    imported = {
        module
        for file in (root / "examples/connector_dbf/lgsp_connector_dbf").glob("*.py")
        for module in re.findall(r"^from (lgsp_[\w.]+) import", file.read_text(encoding="utf-8"), re.MULTILINE)
        if not module.startswith("lgsp_connector_dbf")
    }
    assert len(imported) > 5
    assert imported - public == set()
