"""What a system's bytes say, as documents that mappings see."""

from typing import Any

import orjson

from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.kinds.mapping import told
from lgsp_contracts.wire import Failure


def json_answer(status: int, content: bytes) -> Any:
    """The JSON of an answer with a good status, null for an empty one.

    Raises:
        UpstreamFailed: another status, or no JSON.
    """
    document = json_or_none(content)
    if not 200 <= status < 300:
        raise bad_status(status)
    if document is None and content.strip() not in (b"", b"null"):
        raise UpstreamFailed("unintelligible", "the answer is not JSON")
    return document


def json_or_none(content: bytes) -> Any:
    """The JSON of an answer, null where it is none: errors often come as a page of HTML."""
    try:
        return told(orjson.loads(content))
    except orjson.JSONDecodeError:
        return None


def bad_status(status: int) -> UpstreamFailed:
    """The failure that an HTTP status speaks of."""
    why: Failure = "refused" if status in (401, 403) else "broken"
    return UpstreamFailed(why, f"HTTP {status}")
