"""The connector `rows`: an office whose system delivers files, each row of which becomes one call of another system's service.

    service: birth-records
    major: 1
    system: so-tu-phap                     # who calls, with its own grant
    kind: rows
    operation: register-birth
    purpose: dang-ky-khai-sinh
    connection: {folder: sftp://lgsp@10.1.2.3/khai-sinh, key: {file: id_ed25519}, known-hosts: {file: known_hosts}}
    files: {pattern: '*.csv', format: csv}
    request: {soDinhDanh: row."Số định danh"}

This part makes requests of rows and checks them against the contract; `host/row_importer.py` calls.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lgsp_adapters.connectors.manifest_checks import check_row_requests
from lgsp_adapters.errors import AdapterError
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping import columns
from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.tabular import layout
from lgsp_adapters.tabular.layout import Layout, layout_faults
from lgsp_adapters.tabular.table import Row
from lgsp_adapters.text.comparison import normalize_document
from lgsp_contracts import exact_json, pointers, whole_numbers
from lgsp_contracts.contract import Contract
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal

NAMES = ("connection", "row")


class RowError(AdapterError):
    """A row that makes no valid request; its text quotes no value.

    Args:
        column: at fault, where that is known.
        manifest: the place of the expression that finds the fault, where one does.
    """

    def __init__(self, fault: str, column: str = "", manifest: str = "") -> None:
        super().__init__(fault)
        self.column = column
        self.manifest = manifest


class RequestBuilder:
    """Builds the bodies of calls from rows.

    Raises:
        Refusal: `invalid-document`, when the template is wrong.
    """

    def __init__(self, template: Any, location: SourceLocation, schema: Schema, connection: Mapping[str, Any]) -> None:
        self._template = Template(normalize_document(template), location, NAMES)
        self._schema = schema
        self._connection = connection
        self._whole = whole_numbers.whole_numbers(schema.document)
        self.needed = columns.named_columns(normalize_document(template), {"row": "row"})

    def __call__(self, row: Row) -> bytes:
        """The body of a row's call.

        Raises:
            RowError: no request that keeps the contract can be made of it.
        """
        try:
            request = self._template({"connection": self._connection, "row": row})
        except MappingError as unmappable:
            location = unmappable.location
            inside = location.path[len(self._template.location.path) :] if location else ()
            raise RowError(unmappable.reason, self._column(pointers.join(inside)), str(location or "")) from unmappable
        if not self._schema.is_valid(request):
            first = self._schema.violations(request)[0]
            raise RowError(f"{first.rule}: {first.message.en}", self._column(first.pointer))
        return exact_json.dumps(self._whole(request))

    def _column(self, pointer: str) -> str:
        field = self._template.document.get(pointer.split("/")[1]) if pointer.count("/") == 1 else None
        return ", ".join(sorted(columns.named_columns(field, {"row": "row"}))) if isinstance(field, str) else ""


class RowRequests:
    """What a manifest makes of rows.

    Raises:
        Refusal: `invalid-document`, when a personal operation is to be called without a purpose, or a template is wrong.
    """

    def __init__(self, manifest: Manifest, contract: Contract) -> None:
        document = manifest.document
        self.operation = contract.operations[document["operation"]]
        self.purpose = str(document.get("purpose", ""))
        if self.operation.classification == "personal" and not self.purpose:
            raise manifest.location.refusal(
                "thao tác đọc dữ liệu cá nhân nên cần purpose; hãy thêm mục đích có trong quyền khai thác",
                "the operation reads personal data and needs a purpose; add one that the grant names",
            )
        self.path = f"/services/{contract.service}/v{contract.major}/{self.operation.name}"
        self.reading_job = reading_job(manifest, contract)


def reading_job(manifest: Manifest, contract: Contract) -> dict[str, Any]:
    """Make the job of the process that reads a file (`file_parser`).

    Raises:
        Refusal: `invalid-document`, when the manifest is wrong: the reader need not check it again.
    """
    document = manifest.document
    request = contract.operations[document["operation"]].request
    RequestBuilder(document["request"], manifest.location / "request", request, manifest.tables)
    return {
        "parser": "lgsp_adapters.connectors.rows.file_parser",
        "name": manifest.location.name,
        "text": manifest.location.text,
        "layout": asdict(Layout.of(document["files"], manifest.location / "files")),
        "request": document["request"],
        "schema": request.document,
        "connection": manifest.tables,
    }


def preview_job(manifest: Manifest, contract: Contract) -> dict[str, Any]:
    """Make the job of the process that previews a file (`preview_parser`)."""
    return {**reading_job(manifest, contract), "parser": "lgsp_adapters.connectors.rows.preview_parser"}


def build(manifest: Manifest, contract: Contract) -> RowRequests:
    """Make what turns rows into calls.

    Raises:
        Refusal: `invalid-document`, with the file, the line and how to correct it.
    """
    return RowRequests(manifest, contract)


def check(manifest: Manifest, contract: Contract) -> Iterator[Refusal]:
    """Yield where a manifest does not keep the contract of the service that it calls, and what is wrong with its layout."""
    yield from check_row_requests(manifest, contract)
    yield from layout_faults(manifest.document["files"], manifest.location / "files")


def variables_of_strings(manifest: Manifest) -> Sequence[str]:
    """Return the variables whose fields are all strings."""
    return layout.variables_of_strings(manifest.document["files"])
