"""`lgsp contract import table | wsdl`: drafts of a contract and a manifest, from the description of a system."""

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
    by: Annotated[list[str], Parameter(negative="")] = [],  # noqa: B006 - cyclopts reads it, nobody writes to it
    write: bool = False,
    manifest: Path | None = None,
) -> None:
    """Draft a contract that looks up a row of a table by each of its keys, and the manifest that does it.

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
        Where to write the contract.
    by
        A column to look rows up by, or several with commas between them; may be repeated. By default all keys of the table.
    write
        Also draft an operation that inserts a row.
    manifest
        Where to write the manifest, if one is wanted.
    """
    keys = [names.split(",") for names in by]
    draft = asyncio.run(from_table(url, table, service, provider, keys, write=write))
    _save(draft.contract, output, draft.manifest, manifest)
    if draft.code_tables:
        out(f"The contract contains the codes of {', '.join(draft.code_tables)}; check that everybody may read them.\n")


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
    """Draft a contract from the WSDL of a service, and the manifest that calls it.

    Parameters
    ----------
    file
        The WSDL file; the files that it imports lie beside it.
    service
        The id of the service.
    provider
        The system in the registry that answers.
    output
        Where to write the contract.
    port
        The port of the WSDL; by default the first one that speaks SOAP.
    manifest
        Where to write the manifest, if one is wanted; it must be in the folder of the WSDL.
    """
    if re.match(r"https?:/", str(file)):
        raise Refusal(
            "invalid-document",
            vi="Lệnh này đọc một tệp WSDL, không tải gì từ mạng; hãy lưu WSDL và các tệp nó dẫn tới rồi nêu tên tệp.",
            en="This command reads a WSDL file and downloads nothing; save the WSDL and the files that it imports, then name the file.",
        )
    contract, manifest_draft = from_wsdl(file, port, service, provider)
    _save(contract, output, manifest_draft, manifest)


def _save(contract: dict[str, Any], output: Path, manifest_draft: dict[str, Any], manifest: Path | None) -> None:
    save(contract, output)
    if manifest:
        write_yaml(manifest_draft, manifest)
        out(f"{manifest}: check it with lgsp adapter check {manifest} --contract {output}\n")
