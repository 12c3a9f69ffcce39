"""`lgsp adapter check`: everything in a manifest that cannot work, for an integrator's terminal and for CI."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import orjson
from cyclopts import Parameter

from lgsp_adapters import manifest
from lgsp_adapters.cli.contracts_option import Contracts, load_catalog
from lgsp_adapters.connectors.findings import Examination, Finding, examine_manifest
from lgsp_contracts import pointers
from lgsp_contracts.cli.terminal import err, language, out
from lgsp_problems import Refusal, Text

Output = Annotated[Literal["line", "json"], Parameter(name=["--output", "-o"])]
Offline = Annotated[bool, Parameter(negative="")]


def check(
    names: list[str],
    /,
    *,
    contract: Contracts = [],  # noqa: B006 - cyclopts reads it, nobody writes to it
    offline: Offline = False,
    output: Output = "line",
) -> None:
    """Check manifests against their contracts; report every fault with its file, its line and how to correct it.

    Exits with 0 if there are no faults, whatever the warnings, and with 1 otherwise.

    Parameters
    ----------
    names
        The manifests: a path to `adapter.yaml`, or the name of one that comes with lgsp.
    contract
        A contract, or a folder of them; those that come with lgsp by default.
    offline
        Read no environment variable and no secret, so that a manifest can be checked where they are not, such as in CI.
    output
        `line` for people, `json` for programs.
    """
    catalog = load_catalog(contract)
    examined = {}
    for name in names:
        path = manifest.find_manifest(name)
        examined[str(path)] = examine_manifest(path, catalog, offline=offline)
    if output == "json":
        items = [item for file, examination in examined.items() for item in _as_json(file, examination)]
        out(orjson.dumps(items, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        for file, examination in examined.items():
            _write_lines(file, examination)
    errors = sum(examination.errors for examination in examined.values())
    if errors:
        raise Refusal(
            "invalid-document",
            vi=f"{errors} lỗi; hãy sửa các lỗi nêu ở trên.",
            en=f"{errors} {'fault' if errors == 1 else 'faults'}; correct what is listed above.",
        )


_WARNING = Text("cảnh báo: ", "warning: ")


def _write_lines(path: str, examination: Examination) -> None:
    for finding in examination.findings:
        severity = _WARNING.in_language(language()) if finding.severity == "warning" else ""
        err(f"{finding.location}: {severity}{finding.message.in_language(language())}\n")
    if not examination.errors and examination.contract:
        kept = f"{examination.contract.service} {examination.contract.version}"
        out(Text(f"{path}: đúng với {kept}\n", f"{path}: keeps {kept}\n").in_language(language()))


def _as_json(path: str, examination: Examination) -> Iterator[dict[str, Any]]:
    for finding in examination.findings:
        yield {
            "file": path,
            "line": _line(finding),
            "pointer": pointers.join(finding.location.path),
            "severity": finding.severity,
            "message": {"vi": finding.message.vi, "en": finding.message.en},
        }


def _line(finding: Finding) -> int | None:
    return finding.location.line if finding.location.path else None
