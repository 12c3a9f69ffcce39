"""`lgsp adapter new`: a manifest to begin with."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from lgsp_adapters.scaffolding.manifests import manifest as drafted
from lgsp_contracts import names
from lgsp_contracts.cli.terminal import out, prompt, write_yaml
from lgsp_contracts.tooling.reading_commands import read
from lgsp_problems import Refusal

KINDS = ("http", "soap", "sql", "files", "python")
Kind = Literal["http", "soap", "sql", "files", "python"]


def new(
    contract: Path,
    /,
    *,
    kind: Kind | None = None,
    system: str | None = None,
    output: Annotated[Path, Parameter(alias="-o")] = Path("adapter.yaml"),
) -> None:
    """Begin a manifest that fills what a contract requires. What no option says is asked for at a terminal.

    Parameters
    ----------
    contract
        The contract it answers for.
    kind
        How the system is asked: http, soap, sql, files or python.
    system
        The system in the registry that answers; the contract's provider by default.
    output
        Where to.
    """
    _, promised = read(contract)
    chosen = kind or prompt(f"kind: {', '.join(KINDS)}", "http")
    if chosen not in KINDS:
        raise Refusal(
            "invalid-document",
            vi=f"Không có loại {chosen}; có: {', '.join(KINDS)}.",
            en=f"There is no kind {chosen}; there are: {', '.join(KINDS)}.",
        )
    answers = names.system_name(system or prompt("system that answers", promised.provider))
    found = drafted(promised, chosen, answers)
    write_yaml(found, output)
    out(f"{output}: correct what only you know, then: lgsp adapter check {output} --contract {contract}\n")
