"""`lgsp contract import table | wsdl`: drafts out of what a system says of itself."""

import asyncio
import re
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from lgsp_adapters.scaffolding.database_tables import from_table
from lgsp_adapters.scaffolding.wsdl_services import from_wsdl
from lgsp_contracts.cli.terminal import out, write_yaml
from lgsp_contracts.tooling.writing_commands import save
from lgsp_problems import Refusal

Output = Annotated[Path, Parameter(alias="-o")]


def import_table(
    *,
    url: str,
    table: str,
    service: str,
    provider: str,
    output: Output,
    manifest: Path | None = None,
) -> None:
    """Draft a contract that looks up a row of a table by its primary key, and the manifest that does it.

    Parameters
    ----------
    url
        The database: postgresql://, mysql://, oracle://, mssql:// or sqlite:///.
    table
        The table or view, with its schema where that is not the default one.
    service
        The id of the service.
    provider
        The system in the registry that answers.
    output
        Where the contract is written.
    manifest
        Where the manifest is written, if it is wanted.
    """
    contract, told = asyncio.run(from_table(url, table, service, provider))
    _save(contract, output, told, manifest)


def import_wsdl(
    file: Path,
    /,
    *,
    service: str,
    provider: str,
    output: Output,
    port: str = "",
    manifest: Path | None = None,
) -> None:
    """Draft a contract out of the WSDL of a service, and the manifest that asks it.

    Parameters
    ----------
    file
        The description; what it imports lies beside it.
    service
        The id of the service.
    provider
        The system in the registry that answers.
    output
        Where the contract is written.
    port
        Which of its ports; the first that speaks SOAP by default.
    manifest
        Where the manifest is written, if it is wanted; the description has to lie in the same folder.
    """
    if re.match(r"https?:/", str(file)):
        raise Refusal(
            "invalid-document",
            vi="Lệnh này đọc một tệp WSDL, không tải gì từ mạng; hãy lưu WSDL và các tệp nó dẫn tới rồi nêu tên tệp.",
            en="This reads a WSDL from a file and fetches nothing; save the WSDL and what it imports, and name the file.",
        )
    contract, told = from_wsdl(file, port, service, provider)
    _save(contract, output, told, manifest)


def _save(contract: dict[str, Any], output: Path, told: dict[str, Any], manifest: Path | None) -> None:
    save(contract, output)
    if manifest:
        write_yaml(told, manifest)
        out(f"{manifest}: check it: lgsp adapter check {manifest} --contract {output}\n")
