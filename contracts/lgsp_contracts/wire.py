"""Wire protocol 1: the messages between gateway and adapters on NATS. The specification is `docs/protocol/wire-1.md`.

A message is one line of JSON, a line feed, and the document. The line replaces NATS headers, three of which cost 15% of
a call's throughput (measured); a client in any language splits at the first line feed.
"""

import json
import math
import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any, Literal, NamedTuple

import orjson

from lgsp_contracts import exact_json
from lgsp_contracts.names import Major, OperationName, ServiceName
from lgsp_problems import Refusal

VERSION = 1
"""The major version, which each message names; gateway and adapter must have the same."""
MINOR = 3
"""The minor version of this gateway; its additions may be ignored."""


class Version(NamedTuple):
    """A version of the wire protocol, as adapters announce it."""

    major: int
    minor: int


def parse_version(announced: str) -> Version | None:
    """Parse the version that an adapter announces as `metadata.wire`: `1` is 1.0, `1.1` is 1.1. None where it is no version."""
    match = _VERSION.fullmatch(announced)
    return Version(int(match[1]), int(match[2] or 0)) if match else None


_VERSION = re.compile(r"([1-9][0-9]{0,3})(?:\.(0|[1-9][0-9]{0,3}))?")

Failure = Literal["unreachable", "refused", "unintelligible", "broken", "unfit", "limited", "uncounted"]
"""Why an adapter has no answer: no connection to its system; its system refused; its system sent an unintelligible response;
an error in the adapter itself; and where nothing was sent: the request cannot be expressed to its system, the limit of its system is
reached, the count of that limit cannot be reached."""

MAX_RETRY_AFTER = 86_400
"""Seconds that an adapter may name."""

MAX_DURATION = 86_400_000
"""Milliseconds that an adapter may claim; no call takes as long."""

MAX_LENIENT_HEAD = 1_000
"""Bytes of the first line of a reply that is parsed though it is no strict JSON."""

_ANSWERED = b'{"status":"answered"}\n'


def subject(service: ServiceName, major: Major, operation: OperationName) -> str:
    """Name the NATS subject of an operation."""
    return f"svc.{service}.v{major}.{operation}"


def trial_subject(service: ServiceName, major: Major, operation: OperationName) -> str:
    """Name the NATS subject on which adapters before a sandbox answer trials of an operation. No other adapter subscribes to it."""
    return f"{trial_prefix(service, major)}{operation}"


def trial_prefix(service: ServiceName, major: Major) -> str:
    """Name the common prefix of the NATS subjects of trials of a service, in one major version."""
    return f"trial.{service}.v{major}."


def prefix(service: ServiceName, major: Major) -> str:
    """Name the common prefix of the NATS subjects of all operations of a service, in one major version."""
    return f"svc.{service}.v{major}."


class Context(NamedTuple):
    """The context of a request: caller, purpose, deadline and trace.

    Args:
        deadline: milliseconds since 1970, after which nobody waits for the reply.
        key: the same for each try of one call, a UUID; empty where its caller gave no Idempotency-Key.
        salt: the salt of the digests in the call's entry of evidence, in hex; empty from a gateway that speaks wire 1.0.
    """

    message: str
    consumer: str
    agency: str
    purpose: str
    version: str
    deadline: int
    traceparent: str
    key: str = ""
    salt: str = ""


_CONTEXT = itemgetter(*Context._fields)
_OPTIONAL = {"key": "", "salt": ""}


def request(context: Context, body: bytes) -> bytes:
    """Serialise a request: its context in one line, and the caller's own bytes."""
    fields = {
        "wire": VERSION,
        "message": context.message,
        "consumer": context.consumer,
        "agency": context.agency,
        "purpose": context.purpose,
        "version": context.version,
        "deadline": context.deadline,
        "traceparent": context.traceparent,
    }
    if context.key:
        fields["key"] = context.key
    if context.salt:
        fields["salt"] = context.salt
    return b"%b\n%b" % (orjson.dumps(fields), body)


def parse_request(data: bytes, loads: Callable[[bytes], Any] = orjson.loads) -> tuple[Context, Any]:
    """Parse a request: its context and its document.

    Args:
        loads: parses the document; `whole_numbers.reader` returns one that keeps the digits of numbers.

    Raises:
        Refusal: `malformed`, when it is not wire protocol 1.
    """
    line, _, body = data.partition(b"\n")
    try:
        fields = orjson.loads(line)
        if fields.pop("wire") != VERSION:
            raise ValueError("wire")
        return Context._make(_CONTEXT(_OPTIONAL | fields)), loads(body)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal(
            "malformed",
            vi="Thông điệp trên NATS không theo giao thức wire 1; hãy dùng gateway và bộ kết nối cùng phiên bản.",
            en="The NATS message is not wire protocol 1; use a gateway and an adapter of the same version.",
        ) from error


def answered(document: Any) -> bytes:
    """Serialise a reply with an answer; numbers keep their digits.

    Raises:
        exact_json.NotSerializable: JSON cannot represent one of its values.
    """
    try:
        return _ANSWERED + orjson.dumps(document, default=exact_json.digits)
    except TypeError:
        return _ANSWERED + exact_json.dumps(document)


def declared_error(code: str) -> bytes:
    """Serialise a reply with an error that the contract declares, such as `citizen-not-found`."""
    return orjson.dumps({"status": "error", "code": code}) + b"\n"


def failed(why: Failure) -> bytes:
    """Serialise the reply of an adapter that got no answer from its system."""
    return orjson.dumps({"status": "failed", "why": why}) + b"\n"


def limited(retry_after: int) -> bytes:
    """Serialise the reply of an adapter that may not ask its system now.

    Args:
        retry_after: seconds after which it may.
    """
    return orjson.dumps({"status": "failed", "why": "limited", "retryAfter": retry_after}) + b"\n"


def late() -> bytes:
    """Serialise the reply of an adapter whose system did not answer before the deadline."""
    return b'{"status":"late"}\n'


def with_durations(reply: bytes, adapter: float, upstream: float | None) -> bytes:
    """Add to a serialised reply how long it took.

    Args:
        adapter: milliseconds from the arrival of the request at the adapter until this reply.
        upstream: milliseconds of these that it waited for its system; None where it does not know.
    """
    end = reply.index(b"\n") - 1
    if upstream is None:
        return b'%b,"adapterMs":%.2f%b' % (reply[:end], adapter, reply[end:])
    return b'%b,"adapterMs":%.2f,"upstreamMs":%.2f%b' % (reply[:end], adapter, upstream, reply[end:])


class Reply(NamedTuple):
    """A parsed reply: `status` is answered, error, failed or late; `code` qualifies error and failed; `retry_after` is in seconds, 0 where
    none is named.

    Args:
        adapter, upstream: the durations of `with_durations`, as the adapter claims them; None where it claims none that can be true.
    """

    status: Literal["answered", "error", "failed", "late"]
    code: str
    body: bytes
    retry_after: int = 0
    adapter: float | None = None
    upstream: float | None = None


def parse_reply(data: bytes) -> Reply | None:
    """Parse the reply of an adapter; None where it is not wire protocol 1."""
    if data.startswith(_ANSWERED):
        return Reply("answered", "", data[len(_ANSWERED) :])
    line, feed, body = data.partition(b"\n")
    try:
        fields = _head(line) if feed else {}
        status = fields["status"]
        code = fields.get("code" if status == "error" else "why", "")
        retry_after = fields.get("retryAfter", 0)
        adapter, upstream = _duration(fields.get("adapterMs")), _duration(fields.get("upstreamMs"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if status not in ("answered", "error", "failed", "late") or not isinstance(code, str):
        return None
    if type(retry_after) is not int or not 0 < retry_after <= MAX_RETRY_AFTER:
        retry_after = 0
    return Reply(status, code, body, retry_after, adapter, upstream)


def _head(line: bytes) -> Any:
    """Parse the first line of a reply. `NaN` is no JSON, but many a library writes it: a duration that is none must not cost the answer."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        if len(line) > MAX_LENIENT_HEAD:
            raise
        return json.loads(line.decode())


def _duration(claimed: object) -> float | None:
    """Return a duration that an adapter claims, in milliseconds; None where it is none."""
    if type(claimed) is float or type(claimed) is int:
        return float(claimed) if 0 <= claimed < MAX_DURATION and math.isfinite(claimed) else None
    return None
