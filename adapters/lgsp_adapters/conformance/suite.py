"""Tests an adapter against its contract before anybody depends on it: examples, edge cases, and malformed responses.

A trial passes when the adapter answers as the contract says: with an answer that keeps it, with an error that it declares, or
with a failure in good order. What no trial may end in is an answer that breaks the contract or an adapter that breaks.
"""

import secrets
import time
import traceback
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

from aiohttp import web

from lgsp_adapters.adapter import Adapter, Call, Declared, UnfitRequest, UpstreamFailed, UpstreamLate
from lgsp_adapters.conformance.result import ConformanceResult
from lgsp_adapters.connectors.connector_lookup import build_adapter
from lgsp_adapters.manifest import Manifest
from lgsp_contracts import exact_json, whole_numbers
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.samples import samples
from lgsp_contracts.wire import Context

GENERATED = 20
_FAULT = "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>"
MALFORMED_RESPONSES: dict[str, tuple[int, str, bytes]] = {
    "an HTML page": (200, "text/html", b"<html><body>B\xe1\xba\xa3o tr\xc3\xac</body></html>"),
    "a megabyte of HTML": (200, "text/html", b"<p>x</p>" * 131_072),
    "an empty answer": (200, "application/json", b""),
    "an empty object": (200, "application/json", b"{}"),
    "a list": (200, "application/json", b"[1, 2]"),
    "half a document": (200, "application/json", b'{"a": {'),
    "Latin-1 bytes": (200, "application/json", '{"hoVaTen": "Nguy\xean"}'.encode("latin-1")),
    "an external entity": (200, "text/xml", _FAULT.encode()),
    "a redirect inwards": (302, "text/html", b""),
    "an error of the server": (500, "text/html", b"Internal Server Error"),
}
"""What failing systems send: status, media type, bytes."""


async def run(
    manifest: Manifest, contract: Contract, *, allow_writes: bool, requests: Mapping[str, Any] = MappingProxyType({})
) -> list[ConformanceResult]:
    """Run all conformance tests of an adapter against the system that its manifest names.

    Args:
        requests: by the name of the operation, a request that the system has to answer, in place of the contract's example: examples are
            published, so they need not be of a real person.
        allow_writes: whether something may be left behind in that system. Where not, what an operation writes is rolled back, or
            the operation is left out.

    Raises:
        Refusal: `invalid-document`, when the adapter cannot be built.
    """
    results: list[ConformanceResult] = []
    adapter = build_adapter(manifest, contract)
    adapter.write_nothing()
    await adapter.open()
    try:
        for operation in contract.operations.values():
            effect = effect_of(adapter, operation, allow_writes=allow_writes)
            if effect == "left out":
                continue
            call = partial(conformance_call, contract, operation, rehearsal=effect == "rolled back")
            method = adapter.method(operation.name)
            if operation.name in requests:
                request = requests[operation.name]
                results.append(await _run_known_request(method, operation, request, call(), "the given request"))
            else:
                results.append(await _run_example(adapter, method, operation, call()))
            for number, request in enumerate(samples(operation.request, GENERATED, contract.service), 1):
                results.append(await _run_test(method, operation, request, call(), f"a generated request, {number}"))
    finally:
        await adapter.close()
    if str(manifest.connection.get("url", "")).startswith("http"):
        results += await _run_malformed_responses(manifest, contract)
    return results


Effect = Literal["kept", "rolled back", "left out"]


def effect_of(adapter: Adapter, operation: Operation, *, allow_writes: bool) -> Effect:
    """Tell what becomes of the writes of a test call in the provider's system."""
    writes = not operation.idempotent or adapter.writes(operation.name)
    if allow_writes or not writes:
        return "kept"
    return "rolled back" if adapter.can_rehearse(operation.name) else "left out"


def effects(manifest: Manifest, contract: Contract, *, allow_writes: bool) -> dict[str, Effect]:
    """Tell for each operation of a contract what becomes of the writes of a test call."""
    adapter = build_adapter(manifest, contract)
    operations = contract.operations.values()
    return {operation.name: effect_of(adapter, operation, allow_writes=allow_writes) for operation in operations}


def conformance_call(contract: Contract, operation: Operation, *, rehearsal: bool = False) -> Call:
    """Make a call without a consumer, with the deadline of the contract."""
    deadline = int((time.time() + operation.timeout) * 1000)
    trace = (
        f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"  # of zeros it would count for none (W3C Trace Context)
    )
    context = Context("0190", "trial", "H49", "", contract.version, deadline, trace, str(uuid.uuid4()))
    return Call(context, rehearsal=rehearsal)


async def _run_malformed_responses(manifest: Manifest, contract: Contract) -> list[ConformanceResult]:
    results: list[ConformanceResult] = []
    for what, (status, media_type, body) in MALFORMED_RESPONSES.items():
        async with _server(status, media_type, body) as url:
            adapter = build_adapter(replace(manifest, connection={**manifest.connection, "url": url}), contract)
            await adapter.open()
            for operation in contract.operations.values():
                request = operation.example.request
                results.append(
                    await _run_test(
                        adapter.method(operation.name),
                        operation,
                        request,
                        conformance_call(contract, operation),
                        f"the system says {what}",
                    )
                )
            await adapter.close()
    return results


async def _run_example(adapter: Adapter, method: Any, operation: Operation, call: Call) -> ConformanceResult:
    """Try a request that has to be answered: one that the system itself names, or else the contract's example."""
    try:
        sample = await adapter.sample_request(operation.name)
    except (UpstreamFailed, UpstreamLate) as failure:
        return ConformanceResult(operation.name, "a sample of the system", False, *_describe_failure(failure))
    if sample is None:
        example = operation.example
        return await _run_test(method, operation, example.request, call, "the example", example.response)
    return await _run_known_request(method, operation, sample, call, "a sample of the system")


async def _run_known_request(
    method: Any, operation: Operation, request: Any, call: Call, what: str
) -> ConformanceResult:
    """Try a request that the system has an answer to."""
    violations = operation.request.violations(request)
    if violations:
        outcome = f"the request breaks the contract at {violations[0].rule}: {violations[0].message.en}"
        return ConformanceResult(operation.name, what, False, outcome)
    return await _run_test(method, operation, request, call, what, answered=True)


async def _run_test(
    method: Any,
    operation: Operation,
    request: Any,
    call: Call,
    what: str,
    example: Any = None,
    *,
    answered: bool = False,
) -> ConformanceResult:
    """Try one request.

    Args:
        example: the answer of the contract's example.
        answered: an answer is demanded, whatever it is.
    """
    answered = answered or example is not None

    def result(passed: bool, outcome: str, upstream_message: str = "") -> ConformanceResult:
        return ConformanceResult(operation.name, what, passed, outcome, upstream_message)

    parsed_request = whole_numbers.reader(operation.request.document)(
        exact_json.dumps(request)
    )  # as a call on the bus is read
    try:
        answer = await method(parsed_request, call)
        exact_json.dumps(answer)
    except Declared as declared:
        known = declared.code in operation.errors and not answered
        no_record = f"; where the example is of no record, give a request: --request {operation.name}=FILE.json"
        return result(known, f"error {declared.code}{no_record if example is not None else ''}")
    except (UpstreamFailed, UnfitRequest, UpstreamLate, TimeoutError) as failure:
        return result(not answered, *_describe_failure(failure))
    except exact_json.NotSerializable as error:
        return result(False, str(error))
    except Exception as error:
        return result(False, f"the adapter raised {type(error).__name__}", "".join(traceback.format_exception(error)))
    return result(*_compare_with_contract(operation, answer, example))


def _describe_failure(failure: Exception) -> tuple[str, str]:
    """Describe a failure that a contract allows for, and return it with the system's own error message."""
    if isinstance(failure, UpstreamFailed):
        return f"failed, {failure.why}: {failure.private}", failure.upstream_message
    if isinstance(failure, UnfitRequest):
        return f"cannot be sent to the system: {failure.private}", ""
    return f"late: {failure.private}" if isinstance(failure, UpstreamLate) and failure.private else "late", ""


def _compare_with_contract(operation: Operation, answer: Any, example: Any) -> tuple[bool, str]:
    violations = operation.response.violations(answer)
    if violations:
        first = violations[0]
        return False, (f"the answer breaks the contract at {first.rule}: {first.message.en}")
    if example is not None and exact_json.loads(exact_json.dumps(answer)) != exact_json.loads(
        exact_json.dumps(example)
    ):
        return True, "answered; other values than in the example"
    return True, "answered"


def report(
    manifest: Manifest, contract: Contract, results: list[ConformanceResult], effects: Mapping[str, Effect]
) -> dict[str, Any]:
    """Make the report that is handed in with the request for approval.

    Args:
        effects: what became of what each operation writes.
    """
    return {
        "service": contract.service,
        "version": contract.version,
        "system": manifest.system,
        "kind": manifest.kind,
        "passed": sum(result.passed for result in results),
        "failed": sum(not result.passed for result in results),
        "effects": dict(effects),
        "trials": [
            {name: value for name, value in asdict(result).items() if name != "upstream_message"} for result in results
        ],
    }


@asynccontextmanager
async def _server(status: int, media_type: str, body: bytes) -> AsyncIterator[str]:
    async def answer(_: web.Request) -> web.Response:
        headers = {"Content-Type": media_type, **({"Location": "http://169.254.169.254/"} if status == 302 else {})}
        return web.Response(status=status, body=body, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
