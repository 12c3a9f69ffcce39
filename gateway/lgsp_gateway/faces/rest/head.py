"""What a caller says before its document, read from the head of an HTTP request."""

import re
from functools import lru_cache
from typing import NamedTuple

from aiohttp import hdrs, web
from multidict import MultiMapping, istr

from lgsp_auth import tokens
from lgsp_gateway.calls.authorization import Asked
from lgsp_gateway.calls.identification import Credentials
from lgsp_gateway.calls.pipeline import Head
from lgsp_problems import Refusal

_PATH = re.compile(r"/services/([a-z0-9-]{1,63})/v([1-9][0-9]{0,3})/([a-z0-9-]{1,63})")
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_NOTHING = ("", 0, "")
_PURPOSE, _BEHALF, _KEY, _TRACE = map(istr, ("Lgsp-Purpose", "Lgsp-On-Behalf-Of", "Idempotency-Key", "traceparent"))
_PROOF = istr("DPoP")
_ONCE = (hdrs.AUTHORIZATION, _PROOF, _PURPOSE, _BEHALF, _KEY)
"""Headers that decide who asks for what: of two, a proxy may have looked at one and the bus at the other."""


class HttpHead(NamedTuple):
    """The head of a call as HTTP has it. `language` is `Accept-Language`, `wrong_method` says that its path takes another one,
    `twice` names a header that may come once and came again."""

    said: Head
    language: str | None
    wrong_method: bool
    twice: str


def read(method: str, path: str, headers: MultiMapping[str], address: str) -> HttpHead:
    """The head of a call. A path that names no operation asks for the service with no name."""
    named, parent = _named(path), headers.get(_TRACE, "")
    if parent and not _TRACEPARENT.fullmatch(parent):
        parent = ""
    asked = Asked(*(named or _NOTHING), headers.get(_PURPOSE, ""))
    credentials = _credentials(method, path, headers, address)
    said = Head(asked, credentials, headers.get(_BEHALF, ""), headers.get(_KEY, ""), parent)
    return HttpHead(
        said, headers.get(hdrs.ACCEPT_LANGUAGE), named is not None and method != "POST", said_twice(headers)
    )


def said_twice(headers: MultiMapping[str]) -> str:
    """A header that may come once and came again; "" where there is none."""
    return next((str(name) for name in _ONCE if len(headers.getall(name, ())) > 1), "")


def refuse_twice(name: str) -> Refusal:
    """The refusal of such a header."""
    return Refusal(
        "malformed",
        vi=f"Tiêu đề {name} có mặt hai lần; hãy gửi một lần.",
        en=f"The header {name} came twice; send it once.",
    )


def names_operation(path: str) -> bool:
    """Is this the path of an operation, written as everybody writes it?"""
    return _named(path) is not None


def shown(request: web.BaseRequest) -> Credentials:
    """What a request that is no call shows of its sender.

    Raises:
        Refusal: `malformed`, where it shows two.
    """
    if twice := said_twice(request.headers):
        raise refuse_twice(twice)
    return _credentials(request.method, request.path, request.headers, request.remote or "")


def _credentials(method: str, path: str, headers: MultiMapping[str], address: str) -> Credentials:
    authorization = headers.get(hdrs.AUTHORIZATION)
    return Credentials(
        authorization, headers.get(_PROOF, ""), method, path, address, tokens.bearer_digest(authorization)
    )


@lru_cache(4096)
def _named(path: str) -> tuple[str, int, str] | None:
    found = _PATH.fullmatch(path)
    return (found[1], int(found[2]), found[3]) if found else None
