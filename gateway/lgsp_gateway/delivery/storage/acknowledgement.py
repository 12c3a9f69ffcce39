"""What a stream answers to a message, or to a batch of messages, and what that means. Pure."""

import base64
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import orjson

from lgsp_runtime.nats.protocol import NO_RESPONDERS
from lgsp_runtime.nats.request_reply import Reply
from lgsp_runtime.nats.streams import FULL_CODES, WRONG_REVISION_CODES


class Verdict(Enum):
    """What became of what was published."""

    STORED = auto()
    UNKNOWN = auto()
    """It may be stored: nothing was answered."""
    CONDITION_FAILED = auto()
    """Nothing is stored, since the last sequence of a subject is not the expected one."""
    NOT_AS_BATCH = auto()
    """Nothing is stored, since a message of the batch was stored before; each may be published by itself."""
    TRY_AGAIN = auto()
    """Nothing is stored, and that passes: a server that starts, or too many batches at the same time."""
    TOO_LARGE = auto()
    """Nothing is stored, since the stream takes no message of this size."""
    FULL = auto()
    """Nothing is stored, since the server has no room for it."""
    REFUSED = auto()
    """Nothing is stored, for another reason that only an operator can change."""


_VERDICTS = {
    **dict.fromkeys(WRONG_REVISION_CODES, Verdict.CONDITION_FAILED),
    10201: Verdict.NOT_AS_BATCH,  # batch contains duplicate message id
    **dict.fromkeys(FULL_CODES, Verdict.FULL),
    10054: Verdict.TOO_LARGE,  # message size exceeds maximum allowed
    10008: Verdict.TRY_AGAIN,  # JetStream system temporarily unavailable
    10009: Verdict.TRY_AGAIN,  # JetStream cluster not available, no response
    10176: Verdict.TRY_AGAIN,  # the batch is incomplete: the server that had its beginning is gone
    10210: Verdict.TRY_AGAIN,  # too many batches in flight: 50 of a stream
}
"""JetStream's error codes, as nats-server 2.15.1 answers them."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An answer of a stream.

    Args:
        sequence: of the message, or of the last one of a batch; 0 where nothing was stored.
        duplicate: it was stored before.
        reason: the server's words, for the log.
    """

    verdict: Verdict
    sequence: int = 0
    duplicate: bool = False
    reason: str = ""


def read(reply: Reply | None) -> Acknowledgement:
    """Read the answer of a stream.

    Args:
        reply: None where none came in time, or the connection was lost.
    """
    if reply is None:
        return Acknowledgement(Verdict.UNKNOWN, reason="no acknowledgement")
    payload, headers = reply
    if not payload:
        missing = headers.startswith(NO_RESPONDERS)
        return Acknowledgement(Verdict.TRY_AGAIN if missing else Verdict.UNKNOWN, reason="no stream answers")
    document: dict[str, Any] = orjson.loads(payload)
    error = document.get("error")
    if error:
        verdict = _VERDICTS.get(error.get("err_code"), Verdict.REFUSED)
        return Acknowledgement(verdict, reason=str(error.get("description", "")))
    return Acknowledgement(Verdict.STORED, int(document["seq"]), bool(document.get("duplicate")))


def decoded(headers: str) -> bytes:
    """Return the header block of a stored message as STREAM.MSG.GET returns it, in base64."""
    return base64.b64decode(headers)
