"""`lgsp adapter new`: create a manifest for a contract."""

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
    """Create a manifest that fills every field its contract requires. At a terminal, missing options are asked for.

    Parameters
    ----------
    contract
        The contract that the adapter implements.
    kind
        The connector: http, soap, sql, files or python.
    system
        The system in the registry that answers; the contract's provider by default.
    output
        Where to write the manifest.
    """
    _, promised = read(contract)
    chosen = kind or prompt(f"kind: {', '.join(KINDS)}", "http")
    if chosen not in KINDS:
        raise Refusal(
            "invalid-document",
            vi=f"Không có bộ kết nối {chosen}; có: {', '.join(KINDS)}.",
            en=f"There is no connector {chosen}; there are: {', '.join(KINDS)}.",
        )
    answers = names.system_name(system or prompt("system that answers", promised.provider))
    draft = drafted(promised, chosen, answers)
    write_yaml(draft, output, "manifest")
    out(f"{output}: fill in what only you know, then run: lgsp adapter check {output} --contract {contract}\n")
