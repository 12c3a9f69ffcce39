"""The process that checks documents which take long; see `heavy_documents`.

Reads from stdin, writes to stdout, and ends with its gateway, whose end closes both. It opens nothing and knows no key.
"""

import resource
import sys
from functools import lru_cache
from typing import Any, BinaryIO

import orjson

from lgsp_contracts import checking
from lgsp_contracts.contract import person_in
from lgsp_contracts.projection import Projection
from lgsp_contracts.schemas import Schema
from lgsp_contracts.strict_json import Limits
from lgsp_problems import Refusal

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


_WAYS = {"request": _request, "answer": _answer, "projection": _projection}


def _schema(asked: dict[str, Any]) -> Schema:
    return _compiled(orjson.dumps(asked["schema"]))


@lru_cache(64)
def _compiled(document: bytes) -> Schema:
    return Schema(orjson.loads(document), "schema")


if __name__ == "__main__":
    main()
