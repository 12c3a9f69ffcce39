"""`lgsp adapter conformance`: tests a connector, also one of another package."""

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lgsp_adapters import connector_folders
from lgsp_adapters import manifest as manifests
from lgsp_adapters.conformance import check_behaviour, check_folder
from lgsp_contracts import catalog as catalogs
from lgsp_contracts.cli.terminal import out
from lgsp_problems import NotFound, Refusal


def run_connector_tests(
    name: str,
    manifest: Path | None = None,
    /,
    *,
    contract: Path | None = None,
    allow_writes: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Test a connector: its folder, and with a manifest also what it does with a running system.

    Parameters
    ----------
    name
        The name of the connector, as a manifest gives it.
    manifest
        A manifest of this connector, whose system runs and answers the examples of the contract.
    contract
        The contract, or a folder of contracts; those that come with lgsp by default.
    allow_writes
        Commit what operations write. Without it, writes are rolled back where the connector can, and operations whose writes it
        cannot roll back are skipped.
    """
    if name not in connector_folders.names():
        known = ", ".join(connector_folders.names())
        raise NotFound(
            vi=f"Không có bộ kết nối này; có: {known}. Bộ kết nối của gói khác được tìm thấy khi gói đó được cài cùng lgsp.",
            en=f"There is no such connector; there are: {known}. One of another package is found once that package is installed beside lgsp.",
        )
    results = check_folder(name)
    if manifest:
        loaded = manifests.load(manifests.find_manifest(str(manifest)))
        promised = catalogs.load(contract or catalogs.shipped_folder()).get((loaded.service, loaded.major))
        if loaded.kind != name or promised is None:
            raise (loaded.location / ("kind" if loaded.kind != name else "service")).refusal(
                f"hãy nêu bản khai của bộ kết nối {name} và hợp đồng của nó bằng --contract",
                f"name a manifest of the connector {name}, and its contract with --contract",
            )
        results += asyncio.run(check_behaviour(loaded, promised, allow_writes=allow_writes))
    for result in results:
        if not result.passed:
            out(f"{result.operation and f'{result.operation}, '}{result.what}: {result.outcome}\n")
    failed = sum(not result.passed for result in results)
    out(f"{len(results) - failed} passed, {failed} failed\n")
    if failed:
        raise Refusal(
            "provider-broke-contract",
            vi=f"{failed} phép kiểm thử của bộ kết nối không đạt; hãy sửa các lỗi nêu ở trên.",
            en=f"{failed} tests of the connector failed; correct the faults listed above.",
        )
