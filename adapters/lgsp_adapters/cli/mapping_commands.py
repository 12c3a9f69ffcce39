"""`lgsp adapter map`: a mapping on the terminal, each expression with its value, without a system and without a bus."""

from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from cyclopts import Parameter

from lgsp_adapters import manifest
from lgsp_adapters.cli.contracts_option import Contracts, load_catalog
from lgsp_adapters.cli.operation_arguments import read_request
from lgsp_adapters.conformance.suite import conformance_call
from lgsp_adapters.connectors.mapping_trial import MappingTrial, Outcome
from lgsp_adapters.mapping.budget import MOST, TOO_LONG, StepBudget, StepsExceededError, run_within
from lgsp_adapters.mapping.trace import TracedExpression
from lgsp_contracts import exact_json
from lgsp_contracts.cli.terminal import out
from lgsp_problems import Refusal

Output = Annotated[Literal["line", "json"], Parameter(name=["--output", "-o"])]
MAX_SHOWN = 200
"""Characters of one value that a line shows."""


def map_answer(
    name: str,
    operation: str,
    /,
    *,
    answer: Path | None = None,
    data: Annotated[str | None, Parameter(alias="-d")] = None,
    expression: Annotated[str | None, Parameter(alias="-e")] = None,
    status: int = 200,
    contract: Contracts = [],  # noqa: B006 - cyclopts reads it, nobody writes to it
    output: Output = "line",
) -> None:
    """Show each expression of an operation with its value, and the answer that a caller would get. Nothing is sent.

    Secrets are not read: a value of the connection that comes from the environment or a file is shown as its name in braces.

    Parameters
    ----------
    name
        The manifest: a path, or the name of one that comes with lgsp.
    operation
        The operation whose mapping is shown.
    answer
        A file with an answer of the system: JSON or XML, as it sent it; for sql, files and rows a JSON array of rows. Without it, only the
        expressions of the request are shown.
    data
        The request as JSON; @FILE reads it from a file, - from stdin. The contract's example by default.
    expression
        An expression to evaluate instead of those of the manifest.
    status
        The HTTP status of the answer.
    contract
        A contract, or a folder of them; those that come with lgsp by default.
    output
        `line` for people, `json` for programs.
    """
    trial = _trial(name, operation, contract, data, _read(answer), status)
    try:
        traced, outcome = run_within(StepBudget(MOST), lambda: _evaluate(trial, expression))
    except StepsExceededError as error:
        raise Refusal(
            "provider-failed",
            vi="Ánh xạ câu trả lời này mất quá nhiều bước; hãy dùng tệp nhỏ hơn.",
            en=f"{TOO_LONG[0].upper()}{TOO_LONG[1:]}; use a smaller file.",
        ) from error
    if output == "json":
        document = {"expressions": [_as_json(one) for one in traced], "outcome": outcome and _outcome_as_json(outcome)}
        out(exact_json.dumps(document, orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _write_lines(traced, outcome)
    _refuse_what_does_not_work(traced, outcome)


def _trial(
    name: str, operation: str, contracts: list[Path], data: str | None, answer: bytes | None, status: int
) -> MappingTrial:
    examined = manifest.examine(manifest.find_manifest(name), offline=True)
    if examined.manifest is None or examined.faults:
        raise examined.faults[0]
    loaded = examined.manifest
    contract = loaded.find_contract(load_catalog(contracts))
    declared, request = read_request(contract, operation, data)
    return MappingTrial(loaded, declared, request, conformance_call(contract, declared), answer, status)


def _evaluate(trial: MappingTrial, expression: str | None) -> tuple[list[TracedExpression], Outcome | None]:
    if expression:
        return [trial.expression(expression)], None
    return list(trial.expressions()), trial.outcome()


def _read(file: Path | None) -> bytes | None:
    try:
        return file.read_bytes() if file else None
    except OSError as error:
        raise Refusal(
            "invalid-document",
            vi=f"Không đọc được {file}: {error.strerror}; hãy kiểm tra đường dẫn.",
            en=f"Cannot read {file}: {error.strerror}; check the path.",
        ) from error


def _write_lines(traced: list[TracedExpression], outcome: Outcome | None) -> None:
    for one in traced:
        shown = f"error: {one.error}" if one.error else _shown(one.value)
        out(f"{one.key}: {' '.join(one.expression.split())}\n    {shown}\n")
    if outcome is None:
        return
    if outcome.declared:
        out(f"\nThe caller gets the error {outcome.declared}.\n")
    elif not outcome.failure:
        out(f"\n{exact_json.dumps(outcome.answer, orjson.OPT_INDENT_2).decode()}\n")
        for violation in outcome.violations:
            out(f"{violation.pointer or '/'}: {violation.message.en}\n")
        if not outcome.violations:
            out("The document keeps the contract.\n")


def _shown(value: Any) -> str:
    text = exact_json.dumps(value).decode()
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}… ({len(text)} characters)"


def _as_json(one: TracedExpression) -> dict[str, Any]:
    result = {"error": one.error} if one.error else {"value": one.value}
    return {"key": one.key, "line": one.location.line, "expression": one.expression, **result}


def _outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    if outcome.declared:
        return {"error": outcome.declared}
    if outcome.failure:
        return {"failure": outcome.failure}
    violations = [{"pointer": one.pointer, "message": one.message.en} for one in outcome.violations]
    return {"answer": outcome.answer, "violations": violations}


def _refuse_what_does_not_work(traced: list[TracedExpression], outcome: Outcome | None) -> None:
    errors = sum(bool(one.error) for one in traced)
    if outcome and outcome.failure:
        raise Refusal(
            "provider-failed",
            vi=f"Bên gọi không nhận được câu trả lời ({outcome.failure}); hãy sửa ánh xạ.",
            en=f"The caller gets no answer ({outcome.failure}); correct the mapping.",
        )
    if outcome and outcome.violations:
        first = outcome.violations[0]
        raise Refusal(
            "provider-broke-contract",
            vi="Câu trả lời trái hợp đồng; hãy sửa ánh xạ.",
            en=f"The document breaks the contract at {first.pointer or '/'}: {first.message.en}; correct the mapping.",
        )
    if errors:
        raise Refusal(
            "invalid-document",
            vi=f"{errors} biểu thức lỗi; hãy sửa các lỗi nêu ở trên.",
            en=f"{errors} {'expression fails' if errors == 1 else 'expressions fail'}; correct what is shown above.",
        )
