"""The program of a worker process, which checks one document at a time; `worker_process` describes what it reads and writes.

It reads from stdin, writes to stdout, and ends with its gateway, whose end closes both. It opens no file and knows no key.
"""

import resource
import sys
from functools import lru_cache
from typing import Any, BinaryIO

import orjson

from lgsp_contracts import message_checks, pointers
from lgsp_contracts.contract import Contract, person_in
from lgsp_contracts.file_references import find_references
from lgsp_contracts.projection import Projection
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.strict_json import Limits
from lgsp_problems import Refusal, Text, harmless
from lgsp_runtime.error_frames import frames

MAX_BYTES = 2 * 1024**3
"""Of address space: a document that takes more ends this process, and does not exhaust the machine."""


def main() -> None:
    """Run tasks until stdin ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while (task := _read_frame(source)) is not None and (document := _read_frame(source)) is not None:
        result, made = _run_task(orjson.loads(task), document)
        for frame in (orjson.dumps(result), made):
            target.write(len(frame).to_bytes(4, "big") + frame)
        target.flush()


def _read_frame(source: BinaryIO) -> bytes | None:
    size = source.read(4)
    return source.read(int.from_bytes(size, "big")) if size else None


def _run_task(task: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        return _TASKS[task["what"]](task, body)
    except Refusal as refusal:
        violations = [
            [violation.pointer, violation.rule, violation.message.vi, violation.message.en]
            for violation in refusal.violations
        ]
        texts = {"vi": refusal.detail.vi, "en": refusal.detail.en, "private": refusal.private}
        return {"refusal": {"code": refusal.code, **texts, "violations": violations}}, b""
    except (MemoryError, RecursionError):
        return {"exhausted": True}, b""
    except Exception as error:
        return {"defect": frames(error)}, b""


def _run_request(task: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    document = message_checks.check_request(_schema_of_task(task), Limits(*task["limits"]), body)
    return {"subject": person_in(document, [tuple(path) for path in task["subject"]])}, b""


def _run_event(task: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    document = message_checks.check_request(_schema_of_task(task), Limits(*task["limits"]), body)
    key = task["orderingKey"]
    value = pointers.find(document, tuple(key)) if key else None
    person = person_in(document, [tuple(path) for path in task["subject"]])
    # What cannot order, such as a large object, is refused by its type alone.
    return {"person": person, "orderingKey": value if isinstance(value, (str, int, type(None))) else []}, b""


def _run_answer(task: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    message_checks.check_answer(_schema_of_task(task), Limits(*task["limits"]), body)
    return {}, b""


def _run_projection(task: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    return {}, Projection(task["fields"]).cut(body)


def _run_files(task: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    found = find_references(task["schema"], orjson.loads(body))
    files = [[one.pointer, one.file, [[of.media_types, of.max_size] for of in one.limits]] for one in found]
    return {"files": files}, b""


def _run_contract(task: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    Contract.from_document(orjson.loads(body), SourceLocation(task["name"], tuple(task["path"])))
    return {}, b""


def _run_replacement(task: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    from lgsp_gateway.registry.lifecycle.contracts import check_replacement  # noqa: PLC0415 - as below

    before = task["before"]
    check_replacement(task["name"], orjson.loads(body[:before]), orjson.loads(body[before:]))
    return {}, b""


def _run_agreement(task: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    from lgsp_contracts.agreement import comparison  # noqa: PLC0415 - jsonschema takes a tenth of a second to load

    location = SourceLocation(task["name"], tuple(task["path"]))
    comparison.check(Contract.from_document(orjson.loads(body), location), location)
    return {}, b""


def _run_page(task: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    from lgsp_contracts.tooling.pages import page  # noqa: PLC0415 - its templates take a tenth of a second to load
    from lgsp_contracts.tooling.pages.access import ServiceAccess  # noqa: PLC0415 - as below

    options = dict(task["options"])
    options["notices"] = [Text(*notice) for notice in options["notices"]]
    options["access"] = ServiceAccess.from_json(options["access"]) if options["access"] else None
    return {}, page.service(Contract.from_document(orjson.loads(body)), **options, inside=True).encode()


def _run_openapi(task: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    from lgsp_contracts.tooling.openapi import openapi  # noqa: PLC0415 - as above

    return {}, orjson.dumps(openapi(Contract.from_document(orjson.loads(body)), **task["options"]))


def _run_asyncapi(task: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    from lgsp_contracts.tooling.asyncapi import asyncapi  # noqa: PLC0415 - as above

    return {}, orjson.dumps(asyncapi(Contract.from_document(orjson.loads(body)), **task["options"]))


def _run_yaml(task: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    from lgsp_contracts.cli.terminal import as_yaml  # noqa: PLC0415 - as above

    return {}, harmless(as_yaml([orjson.loads(body)], **task["options"])).encode()


def _run_trial(task: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    from lgsp_contracts.sample_answers import sample_answer  # noqa: PLC0415 - as above

    operation = Contract.from_document(orjson.loads(body)).operations[task["options"]["operation"]]
    request = operation.check_request(task["options"]["request"].encode())
    return {}, orjson.dumps(sample_answer(operation, request))


_TASKS = {
    "request": _run_request,
    "event": _run_event,
    "answer": _run_answer,
    "projection": _run_projection,
    "files": _run_files,
    "contract": _run_contract,
    "replacement": _run_replacement,
    "agreement": _run_agreement,
    "page": _run_page,
    "openapi": _run_openapi,
    "asyncapi": _run_asyncapi,
    "yaml": _run_yaml,
    "trial": _run_trial,
}


def _schema_of_task(task: dict[str, Any]) -> Schema:
    return _compile_schema(orjson.dumps(task["schema"]))


@lru_cache(64)
def _compile_schema(document: bytes) -> Schema:
    return Schema(orjson.loads(document), "schema")


if __name__ == "__main__":
    main()
