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

_ROLLED_BACK = "rolled back: nothing that it wrote is kept, but numbers that a sequence gave it are used up"

AllowWrites = Annotated[bool, Parameter(negative="")]
Contracts = Annotated[list[Path], Parameter(name="--contract", negative="")]


def check(names: list[str], /, *, contract: Contracts = []) -> None:  # noqa: B006 - cyclopts reads it, nobody writes to it
    """Hold manifests against their contracts; every fault with file, line and mend.

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
    """Ask the system behind an adapter once, without a bus, and show the answer or why there is none.

    Parameters
    ----------
    name
        The manifest: a path, or the name of one that comes with lgsp.
    operation
        What to ask.
    data
        The request; the contract's example by default.
    contract
        A contract, or a folder of them.
    allow_writes
        Keep what the operation writes into the system. Without it, that is rolled back where it can be, and not done where not.
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
            vi=f"Thao tác {operation} ghi vào hệ thống của bên cung cấp và không thể hoàn tác; nếu đúng là muốn ghi, hãy thêm --allow-writes.",
            en=f"The operation {operation} writes into the provider's system, and that cannot be undone; if you mean to, add --allow-writes.",
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
            en=f"The answer cannot be written: {error}; mend the mapping.",
        ) from error
    violations = asked.response.violations(answer)
    if violations:
        raise Refusal(
            "provider-broke-contract",
            vi="Câu trả lời trái hợp đồng; hãy sửa ánh xạ.",
            en=f"The answer breaks the contract at {violations[0].pointer or '/'}: {violations[0].message.en}; mend the mapping.",
        )


def hold(
    name: str,
    /,
    *,
    contract: Contracts = [],  # noqa: B006
    report: Path | None = None,
    allow_writes: AllowWrites = False,
) -> None:
    """Hold an adapter and the system behind it against its contract: examples, edge cases, nonsense.

    Parameters
    ----------
    name
        The manifest: a path, or the name of one that comes with lgsp.
    contract
        A contract, or a folder of them.
    report
        Where to write what was tried, as JSON, to hand in with the request for approval.
    allow_writes
        Keep what operations write into the system. Without it, that is rolled back where it can be, and those that cannot be are
        left out.
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
                f"{operation}: left out, since it writes into the provider's system; add --allow-writes to try it there\n"
            )
    if said["failed"]:
        raise Refusal(
            "provider-broke-contract",
            vi=f"{said['failed']} phép thử không đạt; hãy sửa như nêu ở trên.",
            en=f"{said['failed']} {'trial' if said['failed'] == 1 else 'trials'} failed; mend what is said above.",
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
            en=f"{found.place}: there is no contract {found.service} v{found.major}; name it with --contract.",
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
            en=f"This request cannot be put to the system: {unfit.private}; nothing was sent.",
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
            vi=f"Bộ kết nối gặp lỗi {type(error).__name__}; vết lỗi ở trên cho biết dòng nào.",
            en=f"The adapter broke: {type(error).__name__}; the traceback above says where.",
        ) from error
    finally:
        await adapter.close()
