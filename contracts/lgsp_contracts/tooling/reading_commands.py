"""What `lgsp contract …` and `lgsp sdk …` read out of contracts."""

from pathlib import Path

import orjson

from lgsp_contracts import catalog as catalogs
from lgsp_contracts import documents
from lgsp_contracts.cli.terminal import Output, out, write_output
from lgsp_contracts.compatibility import breaking_changes
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.tooling.openapi import openapi
from lgsp_contracts.tooling.pages.page import service
from lgsp_contracts.tooling.sdk_python import module
from lgsp_problems import Language, Refusal

BUS = "http://127.0.0.1:8080"


def check(files: list[Path], /) -> None:
    """Hold contracts against the rules; every fault with file, line and mend.

    Parameters
    ----------
    files
        The contracts.
    """
    for path in files:
        _, contract = read(path)
        out(
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
    _, before = read(old)
    place, after = read(new)
    if before.service != after.service:
        raise Refusal(
            "invalid-document",
            vi=f"{new} là hợp đồng của dịch vụ khác: {after.service}.",
            en=f"{new} is another service's contract: {after.service}.",
        )
    changes = breaking_changes(before, after)
    for change in changes:
        whom = "consumers that read the answer" if change.affected == "readers" else "consumers as they ask today"
        out(f"{place.at(change.pointer)}: {change.message.en}; breaks {whom}\n")
    if changes and before.major == after.major:
        next_version = f"{before.major + 1}.0.0"
        raise Refusal(
            "contract-incompatible",
            vi=f"{after.version} phá vỡ bên khai thác; hãy phát hành thành {next_version} và phục vụ cả hai.",
            en=f"{after.version} breaks consumers; publish it as {next_version} and serve both until they have moved.",
        )
    if not changes:
        out(f"{after.version} may take the place of {before.version}: nobody notices.\n")


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
    write_output(service(read(file)[1], url, lang, inside=False), output)


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
    write_output(orjson.dumps(openapi(read(file)[1], url), option=orjson.OPT_INDENT_2).decode() + "\n", output)


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
            vi=f"Không có hợp đồng {service} v{major}; có: {known}. Hợp đồng khác thì nêu bằng --contract TỆP.",
            en=f"There is no contract {service} v{major}; there are: {known}. Name another with --contract FILE.",
        )
    write_output(module(found), output)


def read(path: Path) -> tuple[SourceLocation, Contract]:
    """Read the contract of a file, and its location.

    Raises:
        Refusal: `invalid-document`.
    """
    place, document = documents.read_first(path)
    return place, Contract.from_document(document, place)
