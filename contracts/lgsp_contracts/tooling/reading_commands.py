"""The commands of `lgsp contract …` that read contracts."""

from collections.abc import Iterator
from pathlib import Path

import orjson

from lgsp_contracts import documents
from lgsp_contracts.cli.terminal import Output, out, write_output
from lgsp_contracts.compatibility import breaking_changes
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.tooling.openapi import openapi
from lgsp_contracts.tooling.pages.page import service
from lgsp_problems import Language, NotFound, Refusal

BUS = "http://127.0.0.1:8080"


def check(files: list[Path], /) -> None:
    """Check contracts; each error names file, line and correction. Two independent validators must agree about their documents.

    Parameters
    ----------
    files
        The contracts, or folders of them.
    """
    from lgsp_contracts.agreement import comparison  # noqa: PLC0415 - loads jsonschema, which no other command needs

    for path in _within(files):
        location, contract = read(path)
        comparison.check(contract, location)
        out(f"{path}: {contract.service} {contract.version} is valid; {_names(contract)}\n")


def _names(contract: Contract) -> str:
    """List what a contract declares."""
    declared = {"operations": list(contract.operations), "events": list(contract.events)}
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in declared.items() if names)


def diff(old: Path, new: Path, /) -> None:
    """List the breaking changes of a new version of a contract, and whom each affects. Exit with status 1 where there are any.

    Parameters
    ----------
    old
        The version in service.
    new
        The version that would replace it.
    """
    _, before = read(old)
    location, after = read(new)
    if before.service != after.service:
        raise Refusal(
            "invalid-document",
            vi=f"{new} là hợp đồng của dịch vụ khác, {after.service}; hãy so sánh hai phiên bản của cùng một dịch vụ.",
            en=f"{new} is the contract of another service, {after.service}; compare two versions of one service.",
        )
    changes = breaking_changes(before, after)
    for change in changes:
        affected = (
            "consumers that read the response or the event"
            if change.affected == "readers"
            else "consumers that send today's requests"
        )
        out(f"{location.at(change.pointer)}: {change.message.en}; breaks {affected}\n")
    if changes and before.major == after.major:
        next_version = f"{before.major + 1}.0.0"
        raise Refusal(
            "contract-incompatible",
            vi=f"{after.version} phá vỡ bên khai thác; hãy phát hành thành {next_version} và phục vụ cả hai.",
            en=f"{after.version} breaks consumers; publish it as {next_version} and serve both until they have moved.",
        )
    if not changes:
        out(f"{after.version} can replace {before.version}: it has no breaking changes.\n")


def docs(file: Path, /, *, output: Output = None, url: str = BUS, lang: Language = "vi") -> None:
    """Render a contract as an HTML page: fields, errors, and sample programs in six languages.

    Parameters
    ----------
    file
        The contract.
    output
        The file to write; stdout by default.
    url
        The address of the bus.
    lang
        vi or en.
    """
    write_output(service(read(file)[1], url, lang, inside=False), output)


def as_openapi(file: Path, /, *, output: Output = None, url: str = BUS) -> None:
    """Write a contract as OpenAPI 3.1, for the tools of consumers.

    Parameters
    ----------
    file
        The contract.
    output
        The file to write; stdout by default.
    url
        The address of the bus.
    """
    write_output(orjson.dumps(openapi(read(file)[1], url), option=orjson.OPT_INDENT_2).decode() + "\n", output)


def _within(paths: list[Path]) -> Iterator[Path]:
    """Yield files, and of folders the YAML files below them.

    Raises:
        Refusal: `not-found`, when a folder has none.
    """
    for path in paths:
        found = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
        if not found:
            raise NotFound(
                vi=f"Thư mục {path} không có tệp .yaml nào; hãy chỉ ra hợp đồng.",
                en=f"The folder {path} has no .yaml file; name the contract.",
            )
        yield from found


def read(path: Path) -> tuple[SourceLocation, Contract]:
    """Read a contract file; return its location and the contract.

    Raises:
        Refusal: `invalid-document`.
    """
    location, document = documents.read_first(path)
    return location, Contract.from_document(document, location)
