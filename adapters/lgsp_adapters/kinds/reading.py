"""What a system's bytes say, as documents that mappings see."""

from typing import Any

import orjson

from lgsp_adapters.answers import Answer
from lgsp_adapters.kinds.mapping import told
from lgsp_contracts import exact_json


def json_answer(answer: Answer) -> Any:
    """The JSON of an answer with a good status, null for an empty one.

    Raises:
        UpstreamFailed: another status, or no JSON.
    """
    if not answer.good:
        raise answer.bad_status()
    document = json_or_none(answer.content)
    if document is None and answer.content.strip() not in (b"", b"null"):
        raise answer.failed("unintelligible", "the answer is not JSON")
    return document


def json_or_none(content: bytes) -> Any:
    """The JSON of an answer with its numbers exact (`int`, `Decimal`), null where it is none: errors often come as a page of HTML."""
    try:
        return told(exact_json.loads(content))
    except (orjson.JSONDecodeError, RecursionError):
        return None
