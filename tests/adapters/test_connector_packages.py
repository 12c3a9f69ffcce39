"""A connector of another package is found by its entry point, and passes the conformance suite that those of lgsp pass."""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from support.processes import LGSP, ROOT
from support.waits import WORK_SECONDS

PACKAGE = ROOT / "examples/connector_dbf"


async def output_of(command: list[str], site: Path | None = None) -> tuple[int, str]:
    """Run a program in an environment in which the package is installed; return its status and what it writes."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(site or ""), "LC_ALL": "C.UTF-8"},
    )
    written = (await asyncio.wait_for(process.communicate(), WORK_SECONDS))[0].decode()
    assert process.returncode is not None
    return process.returncode, written


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package as `pip install` does; lgsp itself is there already."""
    folder = tmp_path_factory.mktemp("dbf")
    source = shutil.copytree(PACKAGE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", str(folder / "site")]
    code, written = await output_of([sys.executable, "-m", "pip", "install", *options, str(source)])
    assert code == 0, written
    return folder / "site"


@pytest.fixture
async def example(tmp_path: Path) -> Path:
    folder = shutil.copytree(PACKAGE / "example", tmp_path / "example")
    assert (await output_of([sys.executable, str(folder / "make_table.py"), str(folder / "can_bo.dbf")]))[0] == 0
    return folder


async def test_it_passes_the_conformance_suite(site: Path, example: Path) -> None:
    manifest, contract = str(example / "adapter.yaml"), ("--contract", str(example / "officers.yaml"))
    code, written = await output_of([*LGSP, "adapter", "conformance", "dbf", manifest, *contract], site)
    assert (code, "0 failed" in written) == (0, True), written
    passed = int(written.split(" passed")[0].split()[-1])
    assert passed > 30


async def test_it_answers_from_the_table(site: Path, example: Path) -> None:
    manifest, contract = str(example / "adapter.yaml"), ("--contract", str(example / "officers.yaml"))
    command = [*LGSP, "adapter", "try", manifest, "lookup-officer", *contract]
    code, written = await output_of(command, site)
    assert code == 0, written
    assert json.loads(written) == {
        "hoVaTen": "Nguyễn Văn An",
        "ngaySinh": "1985-03-02",
        "heSoLuong": 4.98,
        "dangLamViec": True,
    }
    code, written = await output_of([*command, "-d", '{"maCanBo": "NV0003"}'], site)
    assert (code, "officer-not-found" in written) == (1, True), written
    (example / "can_bo.dbf").write_bytes(b"no table")
    code, written = await output_of(command, site)
    assert (code, "unintelligible" in written) == (1, True), written


async def test_its_keys_are_explained_and_checked(site: Path, example: Path) -> None:
    code, written = await output_of([*LGSP, "adapter", "explain", "dbf"], site)
    assert (code, "operations.NAME.find" in written) == (0, True), written
    manifest = example / "adapter.yaml"
    manifest.write_text(manifest.read_text().replace("row.HOTEN", "rwo.HOTEN"))
    command = [*LGSP, "adapter", "check", str(manifest), "--contract", str(example / "officers.yaml")]
    code, written = await output_of(command, site)
    assert (code, "adapter.yaml:11" in written) == (1, True), written


async def test_without_the_package_there_is_no_such_connector(example: Path) -> None:
    code, written = await output_of([*LGSP, "adapter", "conformance", "dbf"])
    assert (code, "There is no such connector; there are: files, http" in written) == (1, True), written
