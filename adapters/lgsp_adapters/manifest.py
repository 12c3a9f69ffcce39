"""The manifest of an adapter: which service it answers, as which system, of which kind, with what connection.

    service: population
    major: 1
    system: csdl-dan-cu
    kind: http
    connection:
      url: {env: LGSP_POPULATION_URL}
      secret: {file: /run/secrets/population}
    operations: …                  # as its connector says

A secret never stands in a manifest: it is named, as an environment variable or a file, and read at the start. A table that
operators correct, such as what a system's codes mean, stands beside the manifest: `codes: {yaml: codes.yaml}`.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from lgsp_adapters import connector_folders
from lgsp_contracts import documents
from lgsp_contracts.catalog import Catalog
from lgsp_contracts.contract import Contract
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import DocumentRefusal, SourceLocation
from lgsp_problems import Refusal

CONCURRENCY = 64
_OPENING = ("folder", "key", "secret", "region", "endpoint", "password", "known-hosts")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One adapter.

    Args:
        document: as it was written.
        connection: its references resolved.
        folder: its folder; relative paths in it start there.
    """

    location: SourceLocation
    document: Mapping[str, Any]
    connection: dict[str, Any]
    folder: Path

    @property
    def service(self) -> str:
        """Return the service that the adapter answers for."""
        return str(self.document["service"])

    @property
    def major(self) -> int:
        """Return the major version of the contract."""
        return int(self.document["major"])

    @property
    def system(self) -> str:
        """Return the system in the registry that answers."""
        return str(self.document["system"])

    @property
    def kind(self) -> str:
        """Return the name of the connector."""
        return str(self.document["kind"])

    @property
    def operations(self) -> Mapping[str, Any]:
        """Return what the manifest says of each operation; empty for the connector `python`."""
        operations: Mapping[str, Any] = self.document.get("operations", {})
        return operations

    @property
    def events(self) -> Mapping[str, Any]:
        """Return what the manifest watches for each event; empty where it watches nothing."""
        events: Mapping[str, Any] = self.document.get("events", {})
        return events

    @property
    def tables(self) -> dict[str, Any]:
        """Return the connection without what opens an inbox: the process that reads its files gets no secret."""
        return {name: value for name, value in self.connection.items() if name not in _OPENING}

    @property
    def concurrency(self) -> int:
        """Return how many calls are answered at the same time."""
        return int(self.document.get("concurrency", CONCURRENCY))

    def find_contract(self, catalog: Catalog) -> Contract:
        """Return the contract that the manifest names.

        Raises:
            Refusal: `invalid-document`, with the line, when it is not in the catalog.
        """
        contract = catalog.get((self.service, self.major))
        if contract is None:
            raise (self.location / "service").refusal(
                f"không có hợp đồng {self.service} v{self.major}; hãy chỉ ra bằng --contract",
                f"there is no contract {self.service} v{self.major}; specify it with --contract",
            )
        return contract


MAX_SHOWN_NAME = 80
"""Characters of a name that a sentence repeats."""


def find_manifest(name: str) -> Path:
    """Find the manifest that a name on the command line means: a path, to it or to its folder, or an adapter that comes with lgsp.

    Raises:
        Refusal: `invalid-document`, naming those that come with lgsp.
    """
    package = Path(str(files("lgsp_adapters")))
    shipped = next(folder for folder in (package / "systems", package.parent / "systems") if folder.is_dir())
    for path in (Path(name), Path(name) / "adapter.yaml"):
        if _is_file(path):
            return path
    if name in {path.parent.name for path in shipped.glob("*/adapter.yaml")}:
        return shipped / name / "adapter.yaml"
    known = ", ".join(sorted(path.parent.name for path in shipped.glob("*/adapter.yaml")))
    raise Refusal(
        "invalid-document",
        vi=f"Không có tệp {name[:MAX_SHOWN_NAME]} và không có bộ kết nối nào tên như vậy; các bộ kết nối kèm theo: {known}.",
        en=f"There is no file {name[:MAX_SHOWN_NAME]} and no adapter of that name; those that come with lgsp are: {known}.",
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long for a path, or with a character that none has
        return False


def load(path: Path) -> Manifest:
    """Read `adapter.yaml`, check it against the schema of its connector, resolve its references.

    Raises:
        Refusal: `invalid-document`, naming the file, the line and how to correct it.
    """
    location, document = documents.read_first(path)
    documents.check_against(_schema(""), document, location)
    documents.check_against(_schema(document["kind"]), document, location)
    connection = {
        name: _resolve_reference(value, location / "connection" / name, path.parent)
        for name, value in document.get("connection", {}).items()
    }
    return Manifest(location, document, connection, path.parent)


@dataclass(frozen=True, slots=True)
class ExaminedManifest:
    """A manifest that was read to find its faults.

    Args:
        manifest: it may break its schema where `faults` says so; None where it lacks service, version or kind.
        faults: in the schema and in the references of its connection.
        unresolved: the names in its connection whose value stands for a secret that was not read.
    """

    manifest: Manifest | None
    faults: list[DocumentRefusal]
    unresolved: frozenset[str]


def examine(path: Path, *, offline: bool) -> ExaminedManifest:
    """Read `adapter.yaml` and list its faults instead of stopping at the first.

    Args:
        offline: read no environment variable and no file of a secret; a text in braces stands for each.

    Raises:
        Refusal: `invalid-document`, when it cannot be read or is no YAML.
    """
    location, document = documents.read_first(path)
    faults = documents.faults_against(_schema(""), document, location)
    kind = document.get("kind") if isinstance(document, dict) else None
    if isinstance(kind, str) and kind in connector_folders.names():
        faults += documents.faults_against(_schema(kind), document, location)
    if not _identified(document):
        return ExaminedManifest(None, faults, frozenset())
    connection: dict[str, Any] = {}
    unresolved: set[str] = set()
    malformed = {fault.location.path for fault in faults}
    given = document.get("connection")
    for name, value in given.items() if isinstance(given, dict) else ():
        at = location / "connection" / name
        try:
            if not isinstance(value, dict) or (("yaml" in value or not offline) and at.path not in malformed):
                connection[name] = _resolve_reference(value, at, path.parent)
                continue
        except DocumentRefusal as fault:
            faults.append(fault)
        connection[name] = f"{{{next(iter(value.values()), '')}}}"
        unresolved.add(name)
    return ExaminedManifest(Manifest(location, document, connection, path.parent), faults, frozenset(unresolved))


def _identified(document: Any) -> bool:
    """Tell whether a document says of which service, in which version, and of which connector it is."""
    return (
        isinstance(document, dict)
        and isinstance(document.get("service"), str)
        and type(document.get("major")) is int
        and document.get("kind") in connector_folders.names()
    )


@cache
def _schema(name: str) -> Schema:
    """The schema of what every manifest says ("") or of the part of a connector, with the definitions that all share."""
    shared = json.loads(files("lgsp_adapters").joinpath("manifest.schema.json").read_text(encoding="utf-8"))
    shared["properties"]["kind"] = {"enum": connector_folders.names()}
    file = f"connectors/{name}/schema.json" if name else "manifest.schema.json"
    own = json.loads((connector_folders.folder(name) / "schema.json").read_text(encoding="utf-8")) if name else shared
    return Schema({**own, "$defs": {**shared["$defs"], **own.get("$defs", {})}}, file)


def _resolve_reference(value: Any, location: SourceLocation, folder: Path) -> Any:
    if not isinstance(value, dict):
        return value
    if "env" in value:
        secret = os.environ.get(value["env"])
        if secret is None:
            raise location.refusal(
                f"biến môi trường {value['env']} chưa được đặt; hãy đặt nó",
                f"the environment variable {value['env']} is not set; set it",
            )
        return secret
    if "yaml" in value:
        return documents.read_first(folder / value["yaml"])[1]
    path = folder / value["file"]
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise location.refusal(
            f"không đọc được tệp {path}: {error.strerror}; hãy tạo tệp hoặc sửa tệp cấu hình",
            f"cannot read the file {path}: {error.strerror}; create it or correct the manifest",
        ) from error
