"""`lgsp adapter check`, `lgsp adapter try` and `lgsp contract test`: an adapter by itself, without a bus."""

import asyncio
import traceback
from pathlib import Path
from typing import Annotated

import orjson
from cyclopts import Parameter

from lgsp_adapters import manifest
from lgsp_adapters.adapter import Declared, UnfitRequest, UpstreamFailed, UpstreamLate, method_of
from lgsp_adapters.conformance import suite
from lgsp_adapters.connectors import registry
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.upstream.response import printable_text
from lgsp_contracts import catalog as catalogs
from lgsp_contracts import exact_json, whole_numbers
from lgsp_contracts.cli.terminal import err, out
from lgsp_contracts.contract import Contract
from lgsp_problems import Refusal

_ROLLED_BACK = "rolled back: nothing it wrote was kept, but the sequence numbers it drew stay used"

AllowWrites = Annotated[bool, Parameter(negative="")]
Contracts = Annotated[list[Path], Parameter(name="--contract", negative="")]


def check(names: list[str], /, *, contract: Contracts = []) -> None:  # noqa: B006 - cyclopts reads it, nobody writes to it
    """Check manifests against their contracts; report each fault with its file, its line and how to correct it.

    Parameters
    ----------
    names
        The manifests: a path to `adapter.yaml`, or the name of one that comes with lgsp.
    contract
        A contract, or a folder of them; those that come with lgsp by default.
    """
    for name in names:
        found, promised = _both(name, contract)
        faults = list(registry.check(found, promised))
        for fault in faults[1:]:
            out(f"{fault.detail.en}\n")
        if faults:
            raise faults[0]
        registry.build(found, promised)
        out(f"{found.place}: keeps {promised.service} {promised.version}\n")


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
        The request; the contract's example by default.
    contract
        A contract, or a folder of them.
    allow_writes
        Commit what the operation writes. Without it, writes are rolled back where the connector can, and the operation is refused where it cannot.
    """
    found, promised = _both(name, contract)
    asked = promised.operations.get(operation)
    if asked is None:
        known = ", ".join(promised.operations)
        raise Refusal(
            "not-found",
            vi=f"Không có thao tác {operation}; có: {known}.",
            en=f"There is no operation {operation}; there are: {known}.",
        )
    body = data.encode() if data else orjson.dumps(asked.example.request)
    asked.check_request(body)
    request = whole_numbers.reader(asked.request.document)(body)
    effect = suite.effects(found, promised, allow_writes=allow_writes)[operation]
    if effect == "left out":
        raise Refusal(
            "writes-not-allowed",
            vi=f"Thao tác {operation} ghi vào hệ thống của bên cung cấp và không thể hoàn tác; nếu thực sự muốn ghi, hãy thêm --allow-writes.",
            en=f"The operation {operation} writes to the provider's system, and the write cannot be rolled back; if that is intended, add --allow-writes.",
        )
    answer = asyncio.run(_asked(found, promised, operation, request, rehearsal=effect == "rolled back"))
    if effect == "rolled back":
        err(f"{_ROLLED_BACK}\n")
    try:
        answer = whole_numbers.whole_numbers(asked.response.document)(answer)
        out(exact_json.dumps(answer, orjson.OPT_INDENT_2).decode() + "\n")
    except exact_json.NotSerializable as error:
        raise Refusal(
            "provider-broke-contract",
            vi=f"Câu trả lời có giá trị mà JSON không chứa được ({error}); hãy sửa ánh xạ.",
            en=f"The answer cannot be written: {error}; correct the mapping.",
        ) from error
    violations = asked.response.violations(answer)
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
    report
        Where to write the results, as JSON, for the request for approval.
    allow_writes
        Commit what operations write. Without it, writes are rolled back where the connector can, and operations whose writes it
        cannot roll back are skipped.
    """
    found, promised = _both(name, contract)
    effects = suite.effects(found, promised, allow_writes=allow_writes)
    tried = asyncio.run(suite.run(found, promised, allow_writes=allow_writes))
    for trial in tried:
        if not trial.passed:
            out(f"{trial.operation}, {trial.what}: {trial.outcome}{_words(trial.said, 'it says')}\n")
    said = suite.report(found, promised, tried, effects)
    if report:
        report.write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2))
    out(f"{said['passed']} passed, {said['failed']} failed\n")
    for operation, effect in effects.items():
        if effect == "rolled back":
            out(f"{operation}: {_ROLLED_BACK}\n")
        elif effect == "left out":
            out(
                f"{operation}: skipped, because it writes to the provider's system; add --allow-writes to test it there\n"
            )
    if said["failed"]:
        raise Refusal(
            "provider-broke-contract",
            vi=f"{said['failed']} phép kiểm thử không đạt; hãy sửa các lỗi nêu ở trên.",
            en=f"{said['failed']} conformance {'test' if said['failed'] == 1 else 'tests'} failed; correct the faults listed above.",
        )


def _both(name: str, paths: list[Path]) -> tuple[Manifest, Contract]:
    found = manifest.load(manifest.find_manifest(name))
    catalog: catalogs.Catalog = {}
    for path in paths or [catalogs.shipped_folder()]:
        catalog |= catalogs.load(path)
    promised = catalog.get((found.service, found.major))
    if promised is None:
        raise Refusal(
            "invalid-document",
            vi=f"{found.place}: không có hợp đồng {found.service} v{found.major}; hãy chỉ ra bằng --contract.",
            en=f"{found.place}: there is no contract {found.service} v{found.major}; specify it with --contract.",
        )
    return found, promised


def _words(said: str, before: str) -> str:
    """What a system said itself, for this terminal: it may quote a document, so it is printed here and goes nowhere else."""
    lines = [printable_text(line) for line in said.splitlines()]
    return f" {before}: " + "\n".join(lines) if lines else ""


async def _asked(found: Manifest, promised: Contract, operation: str, request: object, *, rehearsal: bool) -> object:
    adapter = registry.build_adapter(found, promised)
    method = method_of(adapter, operation, found.place)
    call = suite.conformance_call(promised, promised.operations[operation], rehearsal=rehearsal)
    await adapter.open()
    try:
        return await method(request, call)  # type: ignore[arg-type]
    except Declared as declared:
        raise Refusal(
            "not-found",
            vi=f"Hệ thống trả lời lỗi {declared.code}.",
            en=f"The system answers with the error {declared.code}.",
        ) from declared
    except UpstreamFailed as failure:
        raise Refusal(
            "provider-failed",
            vi=f"Hệ thống không trả lời được ({failure.why}): {failure.private}.{_words(failure.said, 'Hệ thống nói')}",
            en=f"The system gave no answer ({failure.why}): {failure.private}.{_words(failure.said, 'It says')}",
        ) from failure
    except UnfitRequest as unfit:
        raise Refusal(
            "request-unfit",
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
