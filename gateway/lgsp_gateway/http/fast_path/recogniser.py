"""One strict rule that says whether bytes are the head of a request that the fast path may read by itself.

The rule is narrower than RFC 9112 and narrower than aiohttp's parser: what it accepts, aiohttp accepts with the same meaning
(a property test holds this). What it does not accept is not refused here: aiohttp reads and judges it.
"""

import re
from typing import NamedTuple

from aiohttp import hdrs
from multidict import CIMultiDict

MAX_HEAD = 8190
"""Bytes of a head that is read here; also aiohttp's limit for a single line, so no line can be over that."""

MAX_FIELDS = 64
"""Header fields of an ordinary call. aiohttp refuses more than 128."""

_REQUEST_LINE = rb"([A-Z]+) ([!-~]+) HTTP/1\.([01])\r\n"
_FIELD = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?(?:[!-~]+(?: +[!-~]+)*+)?+\r\n"
_HEAD = re.compile(rb"%b((?:%b)*+)\r\n" % (_REQUEST_LINE, _FIELD))
_LINES = re.compile(rb"%b(?:%b)*+" % (_REQUEST_LINE, _FIELD))
_UNFINISHED_LINE = re.compile(rb"[ -~]*\r?")
_LENGTH = re.compile(r"0|[1-9][0-9]{0,11}")
_HOST = re.compile(r"[0-9A-Za-z.:_\[\]-]+")
_JSON = frozenset({"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"})
_PROXY_CONNECTION = "Proxy-Connection"
"""No field of HTTP, but aiohttp's parser reads it as `Connection`."""
_CONNECTION = frozenset({"keep-alive", "close"})


class RequestHead(NamedTuple):
    """The head of a request, as it stands in the bytes.

    Args:
        length: bytes of the body that follows; None where `Content-Length` alone does not say, so that only aiohttp knows.
        end: bytes of the head itself.
        fields_once: whether no header field came twice.
    """

    method: str
    target: str
    minor_version: int
    headers: CIMultiDict[str]
    length: int | None
    end: int
    fields_once: bool

    @property
    def keep_alive(self) -> bool:
        """Whether the connection of an ordinary call stays open after the answer."""
        return self.headers.get(hdrs.CONNECTION, "").lower() != "close"

    def is_ordinary_call(self) -> bool:
        """Tell whether this is a plain POST of JSON with a length, where no field can change framing or meaning."""
        headers = self.headers
        return (
            self.method == hdrs.METH_POST
            and self.minor_version == 1
            and self.length is not None
            and self.fields_once
            and len(headers) <= MAX_FIELDS
            and headers.get(hdrs.CONTENT_TYPE) in _JSON
            and hdrs.CONTENT_LENGTH in headers
            and hdrs.EXPECT not in headers
            and hdrs.CONTENT_ENCODING not in headers
            and _PROXY_CONNECTION not in headers
            and _HOST.fullmatch(headers.get(hdrs.HOST, "")) is not None
            and ((connection := headers.get(hdrs.CONNECTION)) is None or connection.lower() in _CONNECTION)
        )


def recognise(data: bytes | bytearray) -> RequestHead | None:
    """Read the head at the beginning of some bytes.

    Returns:
        The head; None where there is none that this rule accepts.
    """
    match = _HEAD.match(data)
    if match is None or match.end() > MAX_HEAD:
        return None
    method, target, minor, block = match.groups()
    fields = [line.partition(":") for line in block.decode("ascii").split("\r\n")[:-1]]
    headers = CIMultiDict([(name, value.strip(" ")) for name, _, value in fields])
    once = len({name.lower() for name, _, _ in fields}) == len(fields)
    length = _body_length(method, headers)
    return RequestHead(method.decode(), target.decode(), int(minor), headers, length, match.end(), once)


def may_become_head(data: bytes | bytearray) -> bool:
    """Tell whether an unfinished head could still be one that `recognise` accepts, so that it is worth waiting for."""
    if len(data) > MAX_HEAD:
        return False
    lines = data.rfind(b"\r\n") + 2
    if lines < 2:  # not even the first line has ended
        return data[:1].isupper() and _UNFINISHED_LINE.fullmatch(data) is not None
    return _LINES.fullmatch(data, 0, lines) is not None and _UNFINISHED_LINE.fullmatch(data, lines) is not None


def _body_length(method: bytes, headers: CIMultiDict[str]) -> int | None:
    if method == b"CONNECT" or hdrs.TRANSFER_ENCODING in headers or hdrs.UPGRADE in headers:
        return None
    lengths = headers.getall(hdrs.CONTENT_LENGTH, ())
    if not lengths:
        return 0
    return int(lengths[0]) if len(lengths) == 1 and _LENGTH.fullmatch(lengths[0]) else None
