"""What the adapter that a connector makes must do, whoever wrote it: find faults before it runs, keep deadlines, and leave nothing behind."""

import asyncio
import copy
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from lgsp_adapters.adapter import Adapter, Call, method_of
from lgsp_adapters.conformance import suite
from lgsp_adapters.conformance.result import ConformanceResult
from lgsp_adapters.connectors import connector_lookup
from lgsp_adapters.errors import AdapterError
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.watching import positions
from lgsp_adapters.watching.source import EventSource
from lgsp_contracts.contract import Contract, Operation
from lgsp_problems import Refusal

GRACE_SECONDS = 2.0
"""How long a call may go on after its deadline, and a task after `close`."""

SIMULTANEOUS_CALLS = 4


async def check_behaviour(manifest: Manifest, contract: Contract, *, allow_writes: bool) -> list[ConformanceResult]:
    """Check what the connector of a manifest does with it, and with the system that it names.

    Args:
        manifest: a right one, whose system answers the examples of the contract.
        allow_writes: as in `suite.run`.
    """
    results = list(_check_faults_are_found(manifest, contract))
    try:
        adapter = connector_lookup.build_adapter(manifest, contract)
        methods = [method_of(adapter, name, manifest.location) for name in contract.operations]
    except Refusal as refusal:
        return [*results, ConformanceResult("", "an adapter is built", False, refusal.detail.en)]
    results.append(ConformanceResult("", "an adapter is built", True, f"{len(methods)} methods"))
    before = asyncio.all_tasks()
    await adapter.open()
    try:
        for operation in contract.operations.values():
            if suite.effect_of(adapter, operation, allow_writes=allow_writes) == "kept":
                results += await _check_calls(adapter, operation, contract)
        for event, source in adapter.event_sources().items():
            results += await _check_watch(event, source)
    finally:
        await adapter.close()
    results.append(await _check_nothing_is_left(adapter, before))
    return [*results, *await suite.run(manifest, contract, allow_writes=allow_writes)]


def _check_faults_are_found(manifest: Manifest, contract: Contract) -> Iterator[ConformanceResult]:
    def result(what: str, document: dict[str, Any], *, faults: bool) -> ConformanceResult:
        found = list(connector_lookup.check(replace(manifest, document=document), contract))
        outcome = found[0].detail.en if found else "no fault is found"
        return ConformanceResult("", what, bool(found) == faults, outcome)

    document = dict(manifest.document)
    yield result("check accepts the manifest", document, faults=False)
    if manifest.events:
        unheard = {**manifest.events, "no-such-event": next(iter(manifest.events.values()))}
        yield result(
            "check finds an event that the contract does not have", {**document, "events": unheard}, faults=True
        )
    if "operations" not in document:  # such as a class, whose methods are the operations
        return
    name = next(iter(contract.operations))
    operations = {key: part for key, part in manifest.operations.items() if key != name}
    yield result("check finds an operation that is missing", {**document, "operations": operations}, faults=True)
    unknown = {**manifest.operations, "no-such-operation": manifest.operations[name]}
    yield result(
        "check finds an operation that the contract does not have", {**document, "operations": unknown}, faults=True
    )
    if "none" in manifest.operations[name]:
        undeclared = copy.deepcopy(dict(manifest.operations))
        undeclared[name]["none"] = "no-such-error"
        yield result(
            "check finds an error that the contract does not declare",
            {**document, "operations": undeclared},
            faults=True,
        )


async def _check_calls(adapter: Adapter, operation: Operation, contract: Contract) -> list[ConformanceResult]:
    """Check a call whose deadline has passed, and several at the same time."""
    method = adapter.method(operation.name)
    assert method is not None
    expired = Call(suite.conformance_call(contract, operation).context, longest=-1.0)

    async def ask(call: Call) -> str:
        """Return what is wrong with how a call ends, or an empty text."""
        try:
            async with asyncio.timeout(max(call.remaining, 0) + GRACE_SECONDS) as patience:
                await method(copy.deepcopy(operation.example.request), call)
        except AdapterError:
            return ""
        except TimeoutError:
            return "it goes on after its deadline" if patience.expired() else ""
        except Exception as error:
            return f"the adapter raised {type(error).__name__}"
        return ""

    outcomes = {
        "a call whose deadline has passed ends": await ask(expired),
        "calls at the same time end": next(
            filter(
                None,
                await asyncio.gather(
                    *(ask(suite.conformance_call(contract, operation)) for _ in range(SIMULTANEOUS_CALLS))
                ),
            ),
            "",
        ),
    }
    return [ConformanceResult(operation.name, what, not wrong, wrong or "it does") for what, wrong in outcomes.items()]


async def _check_watch(event: str, source: EventSource) -> list[ConformanceResult]:
    """Check that what is watched is read in the order of its watermark, each with an id that stays, and makes events of the contract."""
    try:
        first, again = await source.read(source.start), await source.read(source.start)
    except AdapterError as error:
        return [ConformanceResult(event, "what is watched is read", False, str(error) or type(error).__name__)]
    ids = [occurrence.id for occurrence in first.occurrences]
    known = {occurrence.id for occurrence in again.occurrences}
    places = [occurrence.position for occurrence in first.occurrences if occurrence.position is not None]
    faults = [occurrence.fault for occurrence in first.occurrences if occurrence.fault]
    outcomes = {
        "what is watched makes events of the contract": faults[0] if faults else "",
        "each event has an id of its own": "" if len(set(ids)) == len(ids) else "two have the same; correct `id`",
        "an event has the same id each time it is read": "" if set(ids) <= known else "another one; correct `id`",
        "what is watched comes in the order of its watermark": next(
            ("it does not" for one, other in pairwise(places) if positions.is_before(other, one)), ""
        ),
    }
    return [ConformanceResult(event, what, not wrong, wrong or "it does") for what, wrong in outcomes.items()]


async def _check_nothing_is_left(adapter: Adapter, before: set["asyncio.Task[Any]"]) -> ConformanceResult:
    what = "close leaves no task behind and may come twice"
    try:
        await adapter.close()
    except Exception as error:
        return ConformanceResult("", what, False, f"the second close raised {type(error).__name__}")
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=GRACE_SECONDS)
    return ConformanceResult("", what, not left, ", ".join(task.get_name() for task in left) or "nothing is left")
