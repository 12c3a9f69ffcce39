"""`lgsp adapter try` and `lgsp contract test`: an adapter by itself, without a bus."""

import asyncio
import traceback
from pathlib import Path
from typing import Annotated

import orjson
from cyclopts import Parameter

from lgsp_adapters.adapter import Declared, LimitReached, UnfitRequest, UpstreamFailed, UpstreamLate, method_of
from lgsp_adapters.cli.contracts_option import Contracts
from lgsp_adapters.cli.operation_arguments import load_both, read_request
from lgsp_adapters.conformance import suite
from lgsp_adapters.connectors import connector_lookup
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.upstream.response import printable_text
from lgsp_contracts import exact_json, whole_numbers
from lgsp_contracts.cli.terminal import err, out, read_argument
from lgsp_contracts.contract import Contract
from lgsp_problems import NotFound, ProviderLimitReached, Refusal, RequestUnfit

_ROLLED_BACK = "rolled back: nothing it wrote was kept, but the sequence numbers it drew stay used"

AllowWrites = Annotated[bool, Parameter(negative="")]
RequestFiles = Annotated[list[str], Parameter(negative="")]


def try_operation(
    name: str,
    operation: str,
    /,
    *,
    data: Annotated[str | None, Parameter(alias="-d")] = None,
    contract: Contracts = [],  # noqa: B006
    allow_writes: AllowWrites = False,
) -> None:
    """Call one operation of the system behind an adapter, without a bus, and show the answer or why there is none.

    Parameters
    ----------
    name
        The manifest: a path, or the name of one that comes with lgsp.
    operation
        The operation to call.
    data
        The request as JSON; @FILE reads it from a file, - from stdin. By default one that the system names (`sample` of the connector sql), or else the contract's example.
    contract
        A contract, or a folder of them.
    allow_writes
        Commit what the operation writes. Without it, writes are rolled back where the connector can, and the operation is refused where it cannot.
    """
    loaded_manifest, loaded_contract = load_both(name, contract)
    declared_operation, request = read_request(loaded_contract, operation, data)
    effect = suite.effects(loaded_manifest, loaded_contract, allow_writes=allow_writes)[operation]
    if effect == "left out":
        raise Refusal(
            "writes-not-allowed",
            vi=f"Thao tác {operation} ghi vào hệ thống của bên cung cấp và không thể hoàn tác; nếu thực sự muốn ghi, hãy thêm --allow-writes.",
            en=f"The operation {operation} writes to the provider's system, and the write cannot be rolled back; if that is intended, add --allow-writes.",
        )
    answer = asyncio.run(
        _call_operation(
            loaded_manifest, loaded_contract, operation, request, rehearsal=effect == "rolled back", chosen=bool(data)
        )
    )
    if effect == "rolled back":
        err(f"{_ROLLED_BACK}\n")
    try:
        answer = whole_numbers.whole_numbers(declared_operation.response.document)(answer)
        out(exact_json.dumps(answer, orjson.OPT_INDENT_2).decode() + "\n")
    except exact_json.NotSerializable as error:
        raise Refusal(
            "provider-broke-contract",
            vi=f"Câu trả lời có giá trị mà JSON không chứa được ({error}); hãy sửa ánh xạ.",
            en=f"The answer cannot be written: {error}; correct the mapping.",
        ) from error
    violations = declared_operation.response.violations(answer)
    if violations:
        raise Refusal(
            "provider-broke-contract",
            vi="Câu trả lời trái hợp đồng; hãy sửa ánh xạ.",
            en=f"The answer breaks the contract at {violations[0].pointer or '/'}: {violations[0].message.en}; correct the mapping.",
        )


def run_conformance_tests(
    name: str,
    /,
    *,
    contract: Contracts = [],  # noqa: B006
    request: RequestFiles = [],  # noqa: B006
    report: Path | None = None,
    allow_writes: AllowWrites = False,
) -> None:
    """Test an adapter and the system behind it against its contract: examples, edge cases and malformed answers.

    Parameters
    ----------
    name
        The manifest: a path, or the name of one that comes with lgsp.
    contract
        A contract, or a folder of them.
    request
        OPERATION=FILE: a JSON file with a request that the system has to answer, instead of the contract's example, which is published and so
        need not be of a real person. It is not in the report.
    report
        Where to write the results, as JSON, for the request for approval.
    allow_writes
        Commit what operations write. Without it, writes are rolled back where the connector can, and operations whose writes it
        cannot roll back are skipped.
    """
    loaded_manifest, loaded_contract = load_both(name, contract)
    effects = suite.effects(loaded_manifest, loaded_contract, allow_writes=allow_writes)
    requests = dict(_read_request(argument, loaded_contract) for argument in request)
    results = asyncio.run(suite.run(loaded_manifest, loaded_contract, allow_writes=allow_writes, requests=requests))
    for result in results:
        if not result.passed:
            out(
                f"{result.operation}, {result.what}: {result.outcome}{_quote_upstream(result.upstream_message, 'its message')}\n"
            )
    summary = suite.report(loaded_manifest, loaded_contract, results, effects)
    if report:
        report.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2))
    out(f"{summary['passed']} passed, {summary['failed']} failed\n")
    for operation, effect in effects.items():
        if effect == "rolled back":
            out(f"{operation}: {_ROLLED_BACK}\n")
        elif effect == "left out":
            out(
                f"{operation}: skipped, because it writes to the provider's system; add --allow-writes to test it there\n"
            )
    if summary["failed"]:
        raise Refusal(
            "provider-broke-contract",
            vi=f"{summary['failed']} phép kiểm thử không đạt; hãy sửa các lỗi nêu ở trên.",
            en=f"{summary['failed']} conformance {'test' if summary['failed'] == 1 else 'tests'} failed; correct the faults listed above.",
        )


def _read_request(argument: str, contract: Contract) -> tuple[str, object]:
    operation, separator, file = argument.partition("=")
    if not separator or operation not in contract.operations:
        known = ", ".join(contract.operations)
        raise Refusal(
            "invalid-document",
            vi=f"--request phải là THAO-TÁC=TỆP, với một trong các thao tác: {known}.",
            en=f"--request has the form OPERATION=FILE, with one of the operations: {known}.",
        )
    content = read_argument(f"@{file}")
    try:
        return operation, exact_json.loads(content)
    except ValueError as error:
        raise Refusal(
            "invalid-document",
            vi=f"Không đọc được {file}; hãy nêu một tệp JSON chứa yêu cầu.",
            en=f"Cannot read {file}; name a JSON file that contains the request.",
        ) from error


def _quote_upstream(message: str, introduction: str) -> str:
    """Format a system's own error message for this terminal: it may quote a document, so it is printed here and nowhere else."""
    lines = [printable_text(line) for line in message.splitlines()]
    return f" {introduction}: " + "\n".join(lines) if lines else ""


async def _call_operation(
    loaded_manifest: Manifest, contract: Contract, operation: str, request: object, *, rehearsal: bool, chosen: bool
) -> object:
    adapter = connector_lookup.build_adapter(loaded_manifest, contract)
    method = method_of(adapter, operation, loaded_manifest.location)
    call = suite.conformance_call(contract, contract.operations[operation], rehearsal=rehearsal)
    adapter.write_nothing()
    await adapter.open()
    try:
        await adapter.settle()
        if outdated := adapter.explain_outdated():
            err("".join(f"{printable_text(line)}\n" for line in outdated))
        sample = None if chosen else await adapter.sample_request(operation)
        return await method(request if sample is None else sample, call)  # type: ignore[arg-type]
    except Declared as declared:
        raise NotFound(
            vi=f"Hệ thống trả lời lỗi {declared.code}.",
            en=f"The system answers with the error {declared.code}.",
        ) from declared
    except UpstreamFailed as failure:
        raise Refusal(
            "provider-failed",
            vi=f"Hệ thống không trả lời được ({failure.why}): {failure.private}.{_quote_upstream(failure.upstream_message, 'Thông báo của hệ thống')}",
            en=f"The system gave no answer ({failure.why}): {failure.private}.{_quote_upstream(failure.upstream_message, 'Its message')}",
        ) from failure
    except LimitReached as limit:
        raise ProviderLimitReached(
            vi=f"Hạn mức của hệ thống đã hết ({limit.private}); hãy thử lại sau {limit.retry_after} giây.",
            en=f"The limit of the system is reached ({limit.private}); try again in {limit.retry_after} seconds.",
            retry_after=limit.retry_after,
        ) from limit
    except UnfitRequest as unfit:
        raise RequestUnfit(
            vi=f"Yêu cầu này không gửi được đến hệ thống: {unfit.private}; chưa có gì được gửi đi.",
            en=f"The request cannot be sent to the system: {unfit.private}; nothing was sent.",
        ) from unfit
    except (UpstreamLate, TimeoutError) as late:
        note = f" ({late.private})" if isinstance(late, UpstreamLate) and late.private else ""
        raise Refusal(
            "provider-timeout",
            vi=f"Hệ thống trả lời quá hạn{note}.",
            en=f"The system did not answer within the contract's timeout{note}.",
        ) from late
    except Refusal:
        raise
    except Exception as error:  # the integrator's own code, on the integrator's own terminal
        err("".join(traceback.format_exception(error)))
        raise Refusal(
            "provider-failed",
            vi=f"Bộ kết nối gặp lỗi {type(error).__name__}; xem vết lỗi ở trên để biết vị trí.",
            en=f"The adapter failed with {type(error).__name__}; the traceback above shows where.",
        ) from error
    finally:
        await adapter.close()
