"""Reads a call from the head of an HTTP request: target, purpose, credentials, trace context."""

import re
from functools import lru_cache
from typing import NamedTuple

from aiohttp import hdrs
from multidict import MultiMapping, istr

from lgsp_contracts import dossiers
from lgsp_gateway.calls.model import CallHead, CallTarget
from lgsp_gateway.faces.rest.deferral import read_deferral
from lgsp_gateway.http.authentication import credentials_of, repeated_header

_PATH = re.compile(r"/services/([a-z0-9-]{1,63})/v([1-9][0-9]{0,3})/([a-z0-9-]{1,63})")
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_NO_OPERATION = ("", 0, "")
_REFERENCE = istr(dossiers.HEADER)
_PURPOSE, _BEHALF, _KEY, _TRACE = map(istr, ("Lgsp-Purpose", "Lgsp-On-Behalf-Of", "Idempotency-Key", "traceparent"))


class HttpHead(NamedTuple):
    """The head of a call over HTTP.

    Args:
        language: the value of `Accept-Language`.
        wrong_method: whether the path is that of an operation and the method is not POST.
        repeated_header: a header that may be sent once and was sent more often; "" for none.
    """

    call: CallHead
    language: str | None
    wrong_method: bool
    repeated_header: str


def read_head(method: str, path: str, headers: MultiMapping[str], address: str) -> HttpHead:
    """Read the head of a call. For a path that names no operation, the service of the target is "", which does not exist.

    Args:
        address: the IP address of the connection.
    """
    named, parent = _operation_in(path), headers.get(_TRACE, "")
    if parent and not _TRACEPARENT.fullmatch(parent):
        parent = ""
    target = CallTarget(*(named or _NO_OPERATION), headers.get(_PURPOSE, ""))
    credentials = credentials_of(method, path, headers, address)
    call = CallHead(
        target,
        credentials,
        headers.get(_BEHALF, ""),
        headers.get(_KEY, ""),
        parent,
        read_deferral(headers),
        headers.get(_REFERENCE, ""),
    )
    return HttpHead(
        call, headers.get(hdrs.ACCEPT_LANGUAGE), named is not None and method != "POST", repeated_header(headers)
    )


def names_operation(path: str) -> bool:
    """Return whether a path is that of an operation, without percent-encoding or other variations."""
    return _operation_in(path) is not None


def may_come_again(head: HttpHead) -> bool:
    """Return whether the same head may be sent with further calls: it has no trace context, idempotency key, subject, dossier or DPoP proof."""
    call = head.call
    return not (call.parent or call.idempotency_key or call.on_behalf_of or call.reference or call.credentials.proof)


@lru_cache(4096)
def _operation_in(path: str) -> tuple[str, int, str] | None:
    match = _PATH.fullmatch(path)
    return (match[1], int(match[2]), match[3]) if match else None
