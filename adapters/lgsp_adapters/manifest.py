"""The manifest of an adapter: which service it answers, as which system, with what connection to the system behind.

    service: population
    major: 1
    system: csdl-dan-cu
    kind: python
    adapter: lgsp_adapters.national.population:Population
    connection:
      url: {env: LGSP_POPULATION_URL}
      secret: {file: /run/secrets/population}

A secret never stands in a manifest: it is named, as an environment variable or a file, and read at the start. A table that
operators correct, such as what a system's codes mean, stands beside the manifest: `codes: {yaml: codes.yaml}`.
"""

import importlib
import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from lgsp_adapters.adapter import Adapter
from lgsp_contracts import documents
from lgsp_problems import Refusal


@dataclass(frozen=True, slots=True)
class Manifest:
    """One adapter. `concurrency` is how many calls it answers at the same time."""

    where: str
    service: str
    major: int
    system: str
    adapter: type[Adapter]
    connection: dict[str, Any]
    concurrency: int


def located(name: str) -> Path:
    """The file that a name on the command line means: a path, or an adapter that comes with lgsp.

    Raises:
        Refusal: `invalid-document`, naming those that come with lgsp.
    """
    package = Path(str(files("lgsp_adapters")))
    shipped = next(folder for folder in (package / "systems", package.parent / "systems") if folder.is_dir())
    for path in (Path(name), shipped / name / "adapter.yaml"):
        if path.is_file():
            return path
    known = ", ".join(sorted(path.parent.name for path in shipped.glob("*/adapter.yaml")))
    raise Refusal(
        "invalid-document",
        vi=f"Không có tệp {name} và không có bộ kết nối nào tên như vậy; các bộ kết nối kèm theo: {known}.",
        en=f"There is no file {name} and no adapter of that name; those that come with lgsp are: {known}.",
    )


def load(path: Path) -> Manifest:
    """Read `adapter.yaml`, resolve its references, find its class.

    Raises:
        Refusal: `invalid-document`, naming file, place and mend.
    """
    [(where, document), *_] = documents.read(path) or [(str(path), None)]
    documents.check("adapter", document, where)
    return Manifest(
        where=where,
        service=document["service"],
        major=document["major"],
        system=document["system"],
        adapter=_class(document["adapter"], where),
        connection={
            name: _resolved(value, f"{where}, /connection/{name}", path.parent)
            for name, value in document.get("connection", {}).items()
        },
        concurrency=document.get("concurrency", 64),
    )


def _class(name: str, where: str) -> type[Adapter]:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError):
        found = None
    if not (isinstance(found, type) and issubclass(found, Adapter)):
        raise Refusal(
            "invalid-document",
            vi=f"{where}, /adapter: không có lớp Adapter nào tên {name}; hãy viết module:Lớp và kiểm tra PYTHONPATH.",
            en=f"{where}, /adapter: there is no Adapter class {name}; write module:Class and check PYTHONPATH.",
        )
    return found


def _resolved(value: Any, where: str, folder: Path) -> Any:
    if not isinstance(value, dict):
        return value
    if "env" in value:
        found = os.environ.get(value["env"])
        if found is None:
            raise Refusal(
                "invalid-document",
                vi=f"{where}: biến môi trường {value['env']} chưa được đặt.",
                en=f"{where}: the environment variable {value['env']} is not set; set it.",
            )
        return found
    if "yaml" in value:
        [(_, table)] = documents.read(folder / value["yaml"])
        return table
    path = folder / value["file"]
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Refusal(
            "invalid-document",
            vi=f"{where}: không đọc được tệp {path}: {error.strerror}.",
            en=f"{where}: cannot read the file {path}: {error.strerror}; create it or correct the manifest.",
        ) from None
