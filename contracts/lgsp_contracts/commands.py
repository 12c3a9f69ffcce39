"""What `lgsp contract …` does with files alone."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import orjson
from cyclopts import Parameter

from lgsp_contracts import catalog as catalogs
from lgsp_contracts import documents, drafts
from lgsp_contracts.compatibility import breaks
from lgsp_contracts.contract import Contract
from lgsp_contracts.openapi import openapi
from lgsp_contracts.pages.page import service
from lgsp_contracts.places import Place
from lgsp_contracts.sdk_python import module
from lgsp_contracts.terminal import Output, asked, give, not_there, write_yaml
from lgsp_problems import Language, Refusal

BUS = "http://127.0.0.1:8080"

_DRAFT = """\
service: {service}
version: 1.0.0
title: {{vi: {vi}, en: {en}}}
provider: {provider}
classification: {classification}
operations:
  {operation}:
    title: {{vi: {vi}, en: {en}}}
    timeout: 5s
    idempotent: true          # false, where asking twice is not the same as asking once
{subject}    request:
      type: object
      required: [soDinhDanh]
      additionalProperties: false
      properties:
        soDinhDanh: {{type: string, format: so-dinh-danh}}
    response:
      type: object
      required: [ketQua]
      additionalProperties: false
      properties:
        ketQua: {{type: string, maxLength: 200}}
    errors:
      not-on-record: {{status: 404, title: {{vi: Không có dữ liệu, en: Nothing is on record}}}}
    example:
      request: {{soDinhDanh: '022093001234'}}
      response: {{ketQua: Đạt}}
"""


def new(
    service: str,
    /,
    *,
    provider: str | None = None,
    operation: str | None = None,
    title_vi: str | None = None,
    title_en: str | None = None,
    classification: Literal["open", "internal", "personal"] | None = None,
    output: Output = None,
) -> None:
    """Begin a contract. What no option says is asked for at a terminal.

    Parameters
    ----------
    service
        Its id, such as land-parcels.
    provider
        The system in the registry that answers.
    operation
        Its first operation, such as lookup-parcel.
    title_vi, title_en
        What people call it.
    classification
        How its data is classified: open, internal or personal.
    output
        Where to; SERVICE.yaml by default.
    """
    path = output or Path(f"{service}.yaml")
    not_there(path)
    classified = classification or asked("classification: open, internal or personal", "personal")
    text = _DRAFT.format(
        service=service,
        provider=provider or asked("provider: the system that answers", f"{service}-system"),
        operation=operation or asked("operation", "lookup-record"),
        vi=title_vi or asked("title in Vietnamese", service),
        en=title_en or asked("title in English", service),
        classification=classified,
        subject="    subject: /soDinhDanh\n" if classified == "personal" else "",
    )
    path.write_text(text, encoding="utf-8")
    try:
        _read(path)
    except Refusal:
        path.unlink()
        raise
    sys.stdout.write(f"{path}: write its fields, then: lgsp contract check {path}\n")


def check(files: list[Path], /) -> None:
    """Hold contracts against the rules; every fault with file, line and mend.

    Parameters
    ----------
    files
        The contracts.
    """
    for path in files:
        _, contract = _read(path)
        sys.stdout.write(
            f"{path}: {contract.service} {contract.version} keeps the rules; operations: {', '.join(contract.operations)}\n"
        )


def diff(old: Path, new: Path, /) -> None:
    """Say what a new version of a contract breaks, and whom. Ends with status 1 when it breaks anybody.

    Parameters
    ----------
    old
        The version that is served.
    new
        The one that is to take its place.
    """
    _, before = _read(old)
    place, after = _read(new)
    if before.service != after.service:
        raise Refusal(
            "invalid-document",
            vi=f"{new} là hợp đồng của dịch vụ khác: {after.service}.",
            en=f"{new} is another service's contract: {after.service}.",
        )
    found = breaks(before, after)
    for broken in found:
        whom = "consumers that read the answer" if "/response" in broken.pointer else "consumers as they ask today"
        sys.stdout.write(f"{place.at(broken.pointer)}: {broken.message.en}; breaks {whom}\n")
    if found and before.major == after.major:
        next_version = f"{before.major + 1}.0.0"
        raise Refusal(
            "contract-incompatible",
            vi=f"{after.version} phá vỡ bên khai thác; hãy phát hành thành {next_version} và phục vụ cả hai.",
            en=f"{after.version} breaks consumers; publish it as {next_version} and serve both until they have moved.",
        )
    if not found:
        sys.stdout.write(f"{after.version} may take the place of {before.version}: nobody notices.\n")


def docs(file: Path, /, *, output: Output = None, url: str = BUS, lang: Language = "vi") -> None:
    """Render a contract as a page for people: fields, errors, and a program that calls it in six languages.

    Parameters
    ----------
    file
        The contract.
    output
        Where to; stdout by default.
    url
        Where the bus is.
    lang
        vi or en.
    """
    give(service(_read(file)[1], url, lang, inside=False), output)


def as_openapi(file: Path, /, *, output: Output = None, url: str = BUS) -> None:
    """Write a contract as OpenAPI 3.1, for the tools that consumers have.

    Parameters
    ----------
    file
        The contract.
    output
        Where to; stdout by default.
    url
        Where the bus is.
    """
    give(orjson.dumps(openapi(_read(file)[1], url), option=orjson.OPT_INDENT_2).decode() + "\n", output)


def import_openapi(
    file: Path, /, *, service: str, provider: str, output: Annotated[Path, Parameter(alias="-o")]
) -> None:
    """Draft a contract out of an OpenAPI 3 document.

    Parameters
    ----------
    file
        The document, as YAML or JSON.
    service
        The id of the service.
    provider
        The system in the registry that answers.
    output
        Where to.
    """
    [(_, document), *_] = documents.read(file) or [(Place(str(file)), None)]
    save(drafts.from_openapi(document, service, provider), output)


def sdk_python(
    service: str,
    /,
    *,
    output: Output = None,
    major: int = 1,
    contract: Path | None = None,
) -> None:
    """Write a typed client of a service: one Python module that needs the standard library alone.

    Parameters
    ----------
    service
        The service, of the contracts that come with lgsp.
    output
        Where to; stdout by default.
    major
        Which major version.
    contract
        A contract, or a folder of them, where it is another.
    """
    catalog = catalogs.load(contract or catalogs.shipped_folder())
    found = catalog.get((service, major))
    if found is None:
        known = ", ".join(f"{name} v{number}" for name, number in sorted(catalog))
        raise Refusal(
            "not-found",
            vi=f"Không có hợp đồng {service} v{major}; có: {known}.",
            en=f"There is no contract {service} v{major}; there are: {known}.",
        )
    give(module(found), output)


def save(document: dict[str, object], path: Path) -> None:
    """Write a draft, unless there is a file already.

    Raises:
        Refusal: `already-exists`, `invalid-document`.
    """
    not_there(path)
    Contract.from_document(document, str(path))
    write_yaml(document, path)
    sys.stdout.write(f"{path}: correct titles, classification and errors, then: lgsp contract check {path}\n")


def _read(path: Path) -> tuple[Place, Contract]:
    [(place, document), *_] = documents.read(path) or [(Place(str(path)), None)]
    return place, Contract.from_document(document, place)
