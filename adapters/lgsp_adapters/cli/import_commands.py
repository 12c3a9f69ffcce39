"""`lgsp contract import table | wsdl | openapi`: drafts of a contract and a manifest, from the description of a system."""

import asyncio
import os
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lgsp_adapters.cli import description_fetcher
from lgsp_adapters.cli.description_fetcher import Access
from lgsp_adapters.cli.openapi_documents import read_openapi
from lgsp_adapters.connectors.soap import wsdl
from lgsp_adapters.scaffolding.database_tables import from_table
from lgsp_adapters.scaffolding.drafts import Draft, variable, with_comments
from lgsp_adapters.scaffolding.openapi.services import from_openapi
from lgsp_adapters.scaffolding.wsdl_documents import as_files, imported_documents
from lgsp_adapters.scaffolding.wsdl_services import from_wsdl
from lgsp_contracts import names
from lgsp_contracts.cli.terminal import as_compact_yaml, err, out, refuse_to_overwrite, write_output
from lgsp_contracts.contract import Contract
from lgsp_contracts.published_schemas import editor_line
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal

Columns = Annotated[tuple[str, ...], Parameter(negative="")]
Output = Annotated[Path, Parameter(alias="-o")]
Operations = Annotated[list[str], Parameter(name="--operation", negative="")]


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Downloading:
    """How a description is downloaded."""

    ca: Path | None = None
    """PEM file of the authority that issued the server's certificate, if it is a private one."""
    credentials: str | None = None
    """The environment variable that contains user:password for HTTP Basic."""
    allow_host: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    """Another server, HOST or HOST:PORT, that the description may lead to; repeat it for several."""

    def access(self) -> Access:
        """Read the credentials.

        Raises:
            Refusal: `invalid-document`, when the environment variable contains none.
        """
        user, separator, password = os.environ.get(self.credentials or "", "").partition(":")
        if self.credentials and not separator:
            raise Refusal(
                "invalid-document",
                vi=f"Biến môi trường {self.credentials} không chứa user:password; hãy đặt biến rồi chạy lại.",
                en=f"The environment variable {self.credentials} does not contain user:password; set it and run the command again.",
            )
        return Access(self.ca, (user, password) if self.credentials else None, self.allow_host)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class TableOperations:
    """What is drafted from a table."""

    by: Columns = ()
    """A column to look rows up by, or several with commas between them; may be repeated. By default all keys of the table."""
    without: Columns = ()
    """Columns that no caller needs, with commas between them."""
    write: Annotated[bool, Parameter(negative="")] = False
    """Also draft an operation that inserts a row."""
    call_key: str = ""
    """A column with a unique index for the key of a call that writes, so that a call that is sent again inserts nothing."""


def import_table(
    *,
    url: str,
    table: str,
    service: str,
    provider: str,
    output: Output,
    operations: TableOperations = TableOperations(),
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
    manifest
        Where to write the manifest, if one is wanted.
    """
    draft = asyncio.run(
        from_table(
            url,
            table,
            names.service_name(service),
            names.system_name(provider),
            [columns.split(",") for columns in operations.by],
            without=[column for columns in operations.without for column in columns.split(",")],
            write=operations.write or bool(operations.call_key),
            call_key=operations.call_key,
        )
    )
    environment = {variable(service, "URL"): ""}
    _save(Draft(draft.contract, draft.manifest, draft.comments, environment=environment), output, manifest)
    if draft.code_tables:
        out(f"The contract contains the codes of {', '.join(draft.code_tables)}; check that everybody may read them.\n")


def import_wsdl(
    source: str,
    /,
    *,
    service: str,
    provider: str,
    output: Output,
    port: str = "",
    manifest: Path | None = None,
    downloading: Downloading = Downloading(),
) -> None:
    """Draft a contract from the WSDL of a service, and the manifest that calls it.

    Parameters
    ----------
    source
        The WSDL: a file, with the files that it imports beside it, or an address such as https://host/HoTich.asmx?wsdl. From an address, the WSDL and
        what it imports are saved beside the manifest.
    service
        The id of the service.
    provider
        The system in the registry that answers.
    output
        Where to write the contract.
    port
        The port of the WSDL; by default the first one that speaks SOAP.
    manifest
        Where to write the manifest, if one is wanted; for a WSDL file, in its folder.
    """
    service, provider = names.service_name(service), names.system_name(provider)
    if not description_fetcher.is_url(source):
        loaded_port = wsdl.load(Path(source), port, SourceLocation(source))
        _save(from_wsdl(loaded_port, Path(source).name, port, service, provider), output, manifest)
        return
    access = downloading.access()
    documents = description_fetcher.download(source, access, imported_documents)
    files = as_files(source, documents, service)
    wsdl_name = next(iter(files))
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_bytes(text)
        loaded_port = wsdl.load(Path(folder) / wsdl_name, port, SourceLocation(source))
    draft = from_wsdl(loaded_port, wsdl_name, port, service, provider, basic=access.credentials is not None)
    beside = {manifest.parent / name: text for name, text in files.items()} if manifest else {}
    for path in beside:
        refuse_to_overwrite(path)
    _save(draft, output, manifest)
    for path, text in beside.items():
        path.write_bytes(text)


def import_openapi(
    source: str,
    /,
    *,
    service: str,
    provider: str,
    output: Output,
    manifest: Path | None = None,
    operation: Operations = [],  # noqa: B006 - cyclopts reads it, nobody writes to it
    downloading: Downloading = Downloading(),
) -> None:
    """Draft a contract from an OpenAPI document, and the manifest that calls the service.

    Parameters
    ----------
    source
        The document, OpenAPI 3.0 or 3.1 or Swagger 2.0, as YAML or JSON: a file or an address.
    service
        The id of the service.
    provider
        The system in the registry that answers.
    output
        Where to write the contract.
    manifest
        Where to write the manifest, if one is wanted.
    operation
        An operation to draft, as operationId or "GET /path"; repeat it for several. Without it, all operations are drafted.
    """
    service, provider = names.service_name(service), names.system_name(provider)
    read = read_openapi(source, downloading.access())
    draft = from_openapi(
        read.document, service, provider, address=read.address, wanted=operation, discovered=read.discovered
    )
    _save(draft, output, manifest)


def _save(draft: Draft, output: Path, manifest: Path | None) -> None:
    """Check a draft and write it to new files; say what is left to do.

    Raises:
        Refusal: `already-exists`, `invalid-document`.
    """
    Contract.from_document(draft.contract, str(output))
    files = {output: with_comments(as_compact_yaml([draft.contract]), draft.contract_comments)}
    if manifest:
        files[manifest] = with_comments(as_compact_yaml([draft.manifest]), draft.manifest_comments)
    for path in files:
        refuse_to_overwrite(path)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_output(editor_line("contract" if path == output else "manifest") + text, path)
    for reason in draft.left_out:
        err(f"{reason}\n")
    out(f"{output}: correct titles, classification and errors, then: lgsp contract check {output}\n")
    if manifest:
        for name, value in draft.environment.items():
            out(f"  export {name}={shlex.quote(value) if value else '…'}\n")
        out(f"{manifest}: check it with lgsp adapter check {manifest} --contract {output}\n")
