"""Requests that no client of today writes, each with the call that it was made from: what a gateway makes of them is its parser's to say."""

import json

from support.workbench import NUMBER

CALL_PATH = b"/services/desk/v1/read"
TOKEN, DOCUMENT = b"~token~", b"~document~"


def document(name: str) -> bytes:
    """A document that names its sender, so that what was done with it can be counted."""
    return json.dumps({"soDinhDanh": NUMBER, "hoVaTen": name}).encode()


def _call(
    line: bytes = b"POST /services/desk/v1/read HTTP/1.1",
    *more: bytes,
    host: bytes = b"Host: bus",
    length: bytes | None = b"Content-Length: ~length~",
    kind: bytes | None = b"Content-Type: application/json",
    body: bytes = DOCUMENT,
    end: bytes = b"\r\n",
) -> bytes:
    fields = [line, host, b"Authorization: Bearer " + TOKEN, kind, length, *more]
    return end.join([field for field in fields if field is not None]) + end * 2 + body


def _target(target: bytes, method: bytes = b"POST", version: bytes = b"HTTP/1.1") -> bytes:
    return _call(b"%b %b %b" % (method, target, version))


def _with(*more: bytes) -> bytes:
    return _call(b"POST /services/desk/v1/read HTTP/1.1", *more)


def _chunked(*pieces: bytes, field: bytes = b"Transfer-Encoding: chunked", more: tuple[bytes, ...] = ()) -> bytes:
    return _call(b"POST /services/desk/v1/read HTTP/1.1", field, *more, length=None, body=b"".join(pieces))


WHOLE, LAST = b"~hexlength~\r\n" + DOCUMENT + b"\r\n", b"0\r\n\r\n"

ORDINARY = _call()

ODD: dict[str, bytes] = {
    # Lines and their ends
    "folded field": _with(b"X-Long: one", b" two"),
    "folded field with a tab": _with(b"X-Long: one", b"\ttwo"),
    "fold before the first field": _call(b"POST /services/desk/v1/read HTTP/1.1", host=b" Host: bus"),
    "bare LF everywhere": _call(end=b"\n"),
    "bare LF after the first line": ORDINARY.replace(b"\r\n", b"\n", 1),
    "bare LF after a field": _with(b"X: y\nZ: 1"),
    "bare CR in a field": _with(b"X: y\rZ: 1"),
    "bare CR after the first line": ORDINARY.replace(b"\r\n", b"\r", 1),
    "bare CR everywhere": _call(end=b"\r"),
    "CR CR LF": _with(b"X: y\r"),
    "empty lines before": b"\r\n\r\n" + ORDINARY,
    "an empty line of LF before": b"\n" + ORDINARY,
    "a blank before": b" " + ORDINARY,
    # The first line
    "two blanks in the first line": _call(b"POST  /services/desk/v1/read HTTP/1.1"),
    "a tab in the first line": _call(b"POST\t/services/desk/v1/read HTTP/1.1"),
    "a blank at its end": _call(b"POST /services/desk/v1/read HTTP/1.1 "),
    "no version": _call(b"POST /services/desk/v1/read"),
    "HTTP/0.9": _target(CALL_PATH, version=b"HTTP/0.9"),
    "HTTP/1.2": _target(CALL_PATH, version=b"HTTP/1.2"),
    "HTTP/2.0": _target(CALL_PATH, version=b"HTTP/2.0"),
    "HTTP/01.1": _target(CALL_PATH, version=b"HTTP/01.1"),
    "http/1.1": _target(CALL_PATH, version=b"http/1.1"),
    "HTTP/1.0": _target(CALL_PATH, version=b"HTTP/1.0"),
    "HTTP/1.0 keep-alive": _call(b"POST /services/desk/v1/read HTTP/1.0", b"Connection: keep-alive"),
    "HTTP/1.0 chunked": _chunked(WHOLE, LAST).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "method in lower case": _target(CALL_PATH, method=b"post"),
    "unknown method": _target(CALL_PATH, method=b"BREW"),
    "method with a dash": _target(CALL_PATH, method=b"M-SEARCH"),
    "GET with a document": _target(CALL_PATH, method=b"GET"),
    "HEAD with a document": _target(CALL_PATH, method=b"HEAD"),
    "TRACE": _target(CALL_PATH, method=b"TRACE"),
    "no first line": b"\r\n\r\n",
    # Targets
    "absolute target": _target(b"http://bus" + CALL_PATH),
    "absolute target of another host": _target(b"http://other" + CALL_PATH),
    "absolute target without path": _target(b"http://bus"),
    "asterisk": _target(b"*"),
    "OPTIONS *": _target(b"*", method=b"OPTIONS"),
    "CONNECT": b"CONNECT bus:443 HTTP/1.1\r\nHost: bus:443\r\n\r\n",
    "CONNECT with a path": _target(CALL_PATH, method=b"CONNECT"),
    "authority as target": _target(b"bus:80"),
    "path without slash": _target(b"services/desk/v1/read"),
    "two slashes": _target(b"/" + CALL_PATH),
    "slash at the end": _target(CALL_PATH + b"/"),
    "dot segment": _target(b"/services/./desk/v1/read"),
    "parent segment": _target(b"/services/x/../desk/v1/read"),
    "encoded dot segments": _target(b"/services/x/%2e%2e/desk/v1/read"),
    "encoded letter": _target(b"/services/%64esk/v1/read"),
    "encoded slash": _target(b"/services/desk%2Fv1/read"),
    "encoded NUL": _target(CALL_PATH + b"%00"),
    "encoding cut short": _target(CALL_PATH + b"%2"),
    "query": _target(CALL_PATH + b"?x=1"),
    "empty query": _target(CALL_PATH + b"?"),
    "fragment": _target(CALL_PATH + b"#x"),
    "semicolon": _target(CALL_PATH + b";x=1"),
    "backslash": _target(b"/services\\desk/v1/read"),
    "8-bit path": _target(b"/services/desk/v1/\xc4\x91\xe1\xbb\x8dc"),
    "bytes of no encoding in the path": _target(b"/services/desk/v1/\xff"),
    "NUL in the target": _target(CALL_PATH + b"\x00"),
    "long target": _target(b"/" + b"a" * 9000),
    # Host
    "no Host": _call(host=b"X-Host: bus"),
    "two Hosts": _with(b"Host: other"),
    "the same Host twice": _with(b"Host: bus"),
    "empty Host": _call(host=b"Host:"),
    "Host with a path": _call(host=b"Host: bus/x"),
    "Host with a user": _call(host=b"Host: u@bus"),
    "two Hosts in one": _call(host=b"Host: bus, other"),
    # Length
    "length plus": _call(length=b"Content-Length: +~length~"),
    "length minus": _call(length=b"Content-Length: -1"),
    "length with a zero before": _call(length=b"Content-Length: 0~length~"),
    "length in base 16": _call(length=b"Content-Length: 0x20"),
    "length with a point": _call(length=b"Content-Length: ~length~.0"),
    "length list": _call(length=b"Content-Length: ~length~, ~length~"),
    "length list of two": _call(length=b"Content-Length: ~length~, 1"),
    "length with a blank behind": _call(length=b"Content-Length: ~length~ "),
    "length with a tab before": _call(length=b"Content-Length:\t~length~"),
    "length with a blank inside": _call(length=b"Content-Length: 1 0"),
    "length without blank": _call(length=b"Content-Length:~length~"),
    "empty length": _call(length=b"Content-Length:"),
    "huge length": _call(length=b"Content-Length: 99999999999999999999999999"),
    "digits of another alphabet": _call(length="Content-Length: ٣٢".encode()),
    "no length": _call(length=None, body=b""),
    "the same length twice": _with(b"Content-Length: ~length~"),
    "another length": _with(b"Content-Length: 1"),
    "length of zero": _call(length=b"Content-Length: 0", body=b""),
    # Transfer-Encoding
    "chunked": _chunked(WHOLE, LAST),
    "chunked and length": _call(b"POST /services/desk/v1/read HTTP/1.1", b"Transfer-Encoding: chunked", body=WHOLE + LAST),
    "chunked with capitals": _chunked(WHOLE, LAST, field=b"Transfer-Encoding: Chunked"),
    "chunked twice": _chunked(WHOLE, LAST, field=b"Transfer-Encoding: chunked, chunked"),
    "chunked in two fields": _chunked(WHOLE, LAST, more=(b"Transfer-Encoding: chunked",)),
    "gzip, chunked": _chunked(WHOLE, LAST, field=b"Transfer-Encoding: gzip, chunked"),
    "chunked, identity": _chunked(WHOLE, LAST, field=b"Transfer-Encoding: chunked, identity"),
    "identity": _with(b"Transfer-Encoding: identity"),
    "xchunked": _chunked(WHOLE, LAST, field=b"Transfer-Encoding: xchunked"),
    "vertical tab before chunked": _chunked(WHOLE, LAST, field=b"Transfer-Encoding: \x0bchunked"),
    "blank before the colon of chunked": _chunked(WHOLE, LAST, field=b"Transfer-Encoding : chunked"),
    "empty Transfer-Encoding": _with(b"Transfer-Encoding:"),
    "extension of a chunk": _chunked(WHOLE.replace(b"\r\n", b";a=b\r\n", 1), LAST),
    "quoted extension of a chunk": _chunked(WHOLE.replace(b"\r\n", b';a="b;c"\r\n', 1), LAST),
    "extension with LF": _chunked(WHOLE.replace(b"\r\n", b";a\n\r\n", 1), LAST),
    "trailers": _chunked(WHOLE, b"0\r\nX-Trailer: 1\r\n\r\n"),
    "trailer that is a length": _chunked(WHOLE, b"0\r\nContent-Length: 5\r\n\r\n"),
    "chunk that ends with LF": _chunked(WHOLE.replace(b"\r\n", b"\n"), LAST),
    "chunk of no number": _chunked(b"zz\r\nxx\r\n", LAST),
    "chunk of a number too large": _chunked(b"fffffffffffffffff\r\nxx\r\n", LAST),
    "chunk with 0x": _chunked(b"0x2\r\n{}\r\n", LAST),
    "chunk longer than it says": _chunked(b"2\r\n{}xx\r\n", LAST),
    # Fields
    "blank before a colon": _with(b"X : y"),
    "no colon": _with(b"nonsense"),
    "no name": _with(b": y"),
    "name of a blank": _with(b" : y"),
    "name with a slash": _with(b"X/Y: z"),
    "8-bit name": _with("Đ: y".encode()),
    "8-bit value": _with("X-Name: Nguyễn".encode()),
    "bytes of no encoding in a value": _with(b"X: \xff\xfe"),
    "NUL in a value": _with(b"X: a\x00b"),
    "control byte in a value": _with(b"X: a\x01b"),
    "DEL in a value": _with(b"X: a\x7fb"),
    "tab in a value": _with(b"X: a\tb"),
    "empty value": _with(b"X:"),
    "blanks around a value": _with(b"X:    y   "),
    "quoted value": _with(b'X: "a\\"b"'),
    "value of 8,000 bytes": _with(b"X: " + b"a" * 8000),
    "value of 9,000 bytes": _with(b"X: " + b"a" * 9000),
    "head of 20,000 bytes": _with(*(b"X-%d: %b" % (number, b"a" * 1000) for number in range(20))),
    "100 fields": _with(*(b"X-%d: y" % number for number in range(100))),
    "200 fields": _with(*(b"X-%d: y" % number for number in range(200))),
    "the same field twice": _with(b"X: 1", b"X: 2"),
    "two tokens": _with(b"Authorization: Bearer x"),
    "two types": _with(b"Content-Type: text/plain"),
    "no type": _call(kind=None),
    "type with capitals": _call(kind=b"Content-Type: Application/JSON"),
    "type with UTF-8 in quotes": _call(kind=b'Content-Type: application/json; charset="utf-8"'),
    "type of another charset": _call(kind=b"Content-Type: application/json; charset=utf-16"),
    "Content-Encoding: identity": _with(b"Content-Encoding: identity"),
    "Content-Encoding: gzip of none": _with(b"Content-Encoding: gzip"),
    # Connection, Expect, Upgrade
    "Connection: close": _with(b"Connection: close"),
    "Connection: Close": _with(b"Connection: Close"),
    "Connection: keep-alive": _with(b"Connection: Keep-Alive"),
    "Connection: close, keep-alive": _with(b"Connection: close, keep-alive"),
    "Connection: keep-alive, close": _with(b"Connection: keep-alive, close"),
    "Connection that names a field": _with(b"Connection: Content-Length"),
    "Connection of nonsense": _with(b"Connection: ;;,"),
    "empty Connection": _with(b"Connection:"),
    "two Connections": _with(b"Connection: keep-alive", b"Connection: close"),
    "Proxy-Connection": _with(b"Proxy-Connection: close"),
    "Keep-Alive": _with(b"Keep-Alive: timeout=1, max=1"),
    "Expect: 100-continue": _with(b"Expect: 100-continue"),
    "Expect: 100-Continue": _with(b"Expect: 100-Continue"),
    "Expect of another thing": _with(b"Expect: coffee"),
    "Expect with HTTP/1.0": _call(b"POST /services/desk/v1/read HTTP/1.0", b"Expect: 100-continue"),
    "Upgrade: h2c": _with(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAEAAEAA"),
    "Upgrade: websocket": _with(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"),
    "Upgrade without Connection": _with(b"Upgrade: h2c"),
    "Connection: Upgrade without Upgrade": _with(b"Connection: Upgrade"),
    "TE: trailers": _with(b"TE: trailers"),
    # Documents
    "document cut short": _call(body=DOCUMENT, length=b"Content-Length: ~longer~"),
    "document longer than it says": _call(body=DOCUMENT + b"}"),
    "call as a document": _call(body=ORDINARY, length=b"Content-Length: ~wholelength~"),
    "no HTTP": b"NONSENSE\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}  # fmt: skip
"""By what is odd about each."""


def written(template: bytes, token: bytes, name: str) -> bytes:
    """A request as bytes, with a token, and a document that names its sender."""
    body = document(name)
    whole = ORDINARY.replace(TOKEN, token).replace(DOCUMENT, body).replace(b"~length~", b"%d" % len(body))
    data = template.replace(ORDINARY, b"~whole~") if template is not ORDINARY else template
    data = data.replace(TOKEN, token).replace(DOCUMENT, body)
    for mark, figure in (
        (b"~length~", b"%d" % len(body)),
        (b"~hexlength~", b"%x" % len(body)),
        (b"~longer~", b"%d" % (len(body) + 5)),
        (b"~wholelength~", b"%d" % len(whole)),
    ):
        data = data.replace(mark, figure)
    return data.replace(b"~whole~", whole)
