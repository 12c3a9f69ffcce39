"""The process that checks documents which take long; see `heavy_documents`.

Reads from stdin, writes to stdout, and ends with its gateway, whose end closes both. It opens nothing and knows no key.
"""

import resource
import sys
from functools import lru_cache
from typing import Any, BinaryIO

import orjson

from lgsp_contracts import checking
from lgsp_contracts.contract import Contract, person_in
from lgsp_contracts.projection import Projection
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.strict_json import Limits
from lgsp_problems import Refusal, Text

MAX_BYTES = 2 * 1024**3
"""Of address space: a document that takes more ends its process and not the machine."""


def main() -> None:
    """Answer until stdin ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    taking, giving = sys.stdin.buffer, sys.stdout.buffer
    while (asked := _read(taking)) is not None and (body := _read(taking)) is not None:
        said, document = _answered(orjson.loads(asked), body)
        for part in (orjson.dumps(said), document):
            giving.write(len(part).to_bytes(4, "big") + part)
        giving.flush()


def _read(source: BinaryIO) -> bytes | None:
    size = source.read(4)
    return source.read(int.from_bytes(size, "big")) if size else None


def _answered(asked: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        return _WAYS[asked["what"]](asked, body)
    except Refusal as refusal:
        violations = [[one.pointer, one.rule, one.message.vi, one.message.en] for one in refusal.violations]
        words = {"vi": refusal.detail.vi, "en": refusal.detail.en, "private": refusal.private}
        return {"refusal": {"code": refusal.code, **words, "violations": violations}}, b""


def _request(asked: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    document = checking.check_request(_schema(asked), Limits(*asked["limits"]), body)
    return {"subject": person_in(document, [tuple(path) for path in asked["subject"]])}, b""


def _answer(asked: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    checking.check_answer(_schema(asked), Limits(*asked["limits"]), body)
    return {}, b""


def _projection(asked: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    return {}, Projection(asked["fields"]).cut(body)


def _contract(asked: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    Contract.from_document(orjson.loads(body), SourceLocation(asked["name"], tuple(asked["path"])))
    return {}, b""


def _replacement(asked: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    from lgsp_gateway.registry.lifecycle.contracts import check_replacement  # noqa: PLC0415 - as below

    before = asked["before"]
    check_replacement(asked["name"], orjson.loads(body[:before]), orjson.loads(body[before:]))
    return {}, b""


def _page(asked: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    from lgsp_contracts.tooling.pages import page  # noqa: PLC0415 - its templates take a tenth of a second to load

    told = {**asked["told"], "notices": [Text(*notice) for notice in asked["told"]["notices"]]}
    return {}, page.service(Contract.from_document(orjson.loads(body)), **told, inside=True).encode()


def _openapi(asked: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    from lgsp_contracts.tooling.openapi import openapi  # noqa: PLC0415 - as above

    return {}, orjson.dumps(openapi(Contract.from_document(orjson.loads(body)), **asked["told"]))


def _asyncapi(asked: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    from lgsp_contracts.tooling.asyncapi import asyncapi  # noqa: PLC0415 - as above

    return {}, orjson.dumps(asyncapi(Contract.from_document(orjson.loads(body)), **asked["told"]))


_WAYS = {
    "request": _request,
    "answer": _answer,
    "projection": _projection,
    "contract": _contract,
    "replacement": _replacement,
    "page": _page,
    "openapi": _openapi,
    "asyncapi": _asyncapi,
}


def _schema(asked: dict[str, Any]) -> Schema:
    return _compiled(orjson.dumps(asked["schema"]))


@lru_cache(64)
def _compiled(document: bytes) -> Schema:
    return Schema(orjson.loads(document), "schema")


if __name__ == "__main__":
    main()
