"""Random byte streams of requests, as a connection may bring them: calls among other things, pipelined, quoted, malformed, cut anywhere.

Each piece says which invariant of the fast path (`http/fast_path/connection.py`) it tries to break.
"""

import itertools
import json
import random
import time
import urllib.parse
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from lgsp_auth.client_authentication import ASSERTION_TYPE
from support.bytes_of_http import BODY
from support.workbench import NUMBER, Workbench

END = b"GET /livez HTTP/1.1\r\nHost: end\r\nConnection: close\r\n\r\n"


@dataclass
class Stream:
    """What is sent over one connection, and where it is cut: anywhere, or, in turn, where its requests end."""

    name: str
    data: bytes = b""
    cuts: list[int] = field(default_factory=list)
    in_turn: bool = False
    invariants: set[int] = field(default_factory=set)

    def pieces(self, data: bytes) -> list[bytes]:
        """What is sent at once each, of the data of this stream for one gateway."""
        edges = [0, *self.cuts, len(data)]
        return [data[start:end] for start, end in itertools.pairwise(edges) if end > start]


class Streams:
    """Makes them, the same ones from the same seed, but for tokens."""

    def __init__(self, bus: Workbench, seed: int) -> None:
        self._bus = bus
        self._token = bus.token("alpha")
        self._assertion = b"~" * len(self._signed())
        self._chance = random.Random(seed)
        self._seed = seed
        self._made = 0

    def one(self) -> Stream:
        chance = self._chance
        stream = Stream(f"{self._seed % 1000:03}{self._made:06}")
        self._made += 1
        ends = []
        for _ in range(chance.choice([1, 2, 2, 3, 3, 4, 6])):
            kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
            data, invariants = kind(self, stream)
            stream.data += data
            stream.invariants |= invariants
            ends.append(len(stream.data))
        stream.data += END
        stream.in_turn = chance.random() < 0.4
        if stream.in_turn:
            stream.cuts = ends
            return stream
        stream.cuts = sorted(chance.randrange(len(stream.data)) for _ in range(chance.choice([0, 0, 1, 2, 3, 6])))
        stream.invariants |= {1, 9} if stream.cuts else {6}
        return stream

    def document(self, stream: Stream) -> bytes:
        """A document that names its stream, so that what was done with it can be counted."""
        return json.dumps({"soDinhDanh": NUMBER, "hoVaTen": f"?{stream.name}"}).encode()

    def for_gateway(self, stream: Stream, side: str) -> bytes:
        """The stream for one of two gateways: its calls named after it, and assertions of its own, since each counts once."""
        data = stream.data.replace(f"?{stream.name}".encode(), f"{side}{stream.name}".encode())
        while self._assertion in data:
            data = data.replace(self._assertion, self._signed().encode(), 1)
        return data

    def _signed(self) -> str:
        now, audience = int(time.time()), f"http://127.0.0.1:{self._bus.port}/oauth2/token"
        claims = {
            "iss": "alpha",
            "sub": "alpha",
            "aud": audience,
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid.uuid4()),
        }
        return self._bus.keys["alpha"].sign(claims)

    def _call(
        self,
        body: bytes,
        *more: str,
        method: str = "POST",
        operation: str = "read",
        version: str = "1.1",
        token: str = "",
    ) -> bytes:
        lines = [
            f"{method} /services/desk/v1/{operation} HTTP/{version}",
            "Host: bus",
            f"Authorization: Bearer {token or self._token}",
        ]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", *more, "", ""]
        return "\r\n".join(lines).encode() + body

    def ordinary(self, stream: Stream) -> tuple[bytes, set[int]]:
        return self._call(self.document(stream)), {3, 4, 5}

    def unknown_head(self, stream: Stream) -> tuple[bytes, set[int]]:
        return self._call(self.document(stream), f"X-Request: {self._chance.random()}"), {3}

    def traced(self, stream: Stream) -> tuple[bytes, set[int]]:
        return self._call(
            self.document(stream),
            f"traceparent: 00-{uuid.UUID(int=self._chance.getrandbits(128)).hex}-00f067aa0ba902b7-01",
        ), {3}

    def large(self, stream: Stream) -> tuple[bytes, set[int]]:
        return self._call(self.document(stream) + b" " * self._chance.choice([3000, 70_000, 200_000])), {2, 6}

    def token(self, _: Stream) -> tuple[bytes, set[int]]:
        form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
        body = urllib.parse.urlencode(form).encode() + b"&client_assertion=" + self._assertion
        head = "POST /oauth2/token HTTP/1.1\r\nHost: bus\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body, {2, 5}

    def catalogue(self, _: Stream) -> tuple[bytes, set[int]]:
        path = self._chance.choice(
            [
                "/catalog/services",
                "/catalog/services/desk/v1",
                "/livez",
                "/nope",
                "/oauth2/token",
                "/catalog/services?x=1",
            ]
        )
        method = self._chance.choice(["GET", "GET", "HEAD", "OPTIONS"])
        return f"{method} {path} HTTP/1.1\r\nHost: bus\r\n\r\n".encode(), {2, 5}

    def refused_body(self, stream: Stream) -> tuple[bytes, set[int]]:
        """Refused before it is read: its rest, which holds a call, is no request."""
        inner = self._call(self.document(stream), operation="register")
        sent = self._call(inner).replace(
            b"application/json", self._chance.choice([b"text/plain", b"application/json"]), 1
        )
        return sent, {1, 2, 5}

    def other_method(self, stream: Stream) -> tuple[bytes, set[int]]:
        return self._call(
            self.document(stream), method=self._chance.choice(["HEAD", "GET", "PUT", "DELETE", "OPTIONS"])
        ), {2, 5}

    def expecting(self, stream: Stream) -> tuple[bytes, set[int]]:
        return self._call(self.document(stream), "Expect: 100-continue"), {2}

    def chunked(self, stream: Stream) -> tuple[bytes, set[int]]:
        body = self.document(stream)
        head = self._call(body, "Transfer-Encoding: chunked").partition(b"\r\n\r\n")[0]
        head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length"))
        half = self._chance.randrange(1, len(body))
        return b"%b\r\n\r\n%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (
            head,
            half,
            body[:half],
            len(body) - half,
            body[half:],
        ), {2}

    def old(self, stream: Stream) -> tuple[bytes, set[int]]:
        more = ["Connection: keep-alive"] if self._chance.random() < 0.7 else []
        return self._call(self.document(stream), *more, version="1.0"), {3}

    def upgrading(self, stream: Stream) -> tuple[bytes, set[int]]:
        return self._call(
            self.document(stream), "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAA"
        ), {2}

    def quoting(self, stream: Stream) -> tuple[bytes, set[int]]:
        """A call that is a document, or part of a header, of another request."""
        known = self._call(self.document(stream), operation="register")
        if self._chance.random() < 0.5:
            return self._call(known), {1}
        return b"POST /services/nothing/v1/read HTTP/1.1\r\nX-Quoted: " + known, {1}

    def empty_lines(self, stream: Stream) -> tuple[bytes, set[int]]:
        return b"\r\n" * self._chance.randrange(1, 3) + self._call(self.document(stream)), {1, 11}

    def closing(self, stream: Stream) -> tuple[bytes, set[int]]:
        return self._call(self.document(stream), "Connection: close"), {4, 5}

    def not_granted(self, stream: Stream) -> tuple[bytes, set[int]]:
        return self._call(self.document(stream), "Lgsp-Purpose: tra-cuu"), {5}

    def forged(self, stream: Stream) -> tuple[bytes, set[int]]:
        return self._call(self.document(stream), token="x" * 200), {5}

    def no_document(self, _: Stream) -> tuple[bytes, set[int]]:
        return self._call(self._chance.choice([b"", b"{", b"[]", b"null", BODY[:-1]])), {3}

    def malformed(self, stream: Stream) -> tuple[bytes, set[int]]:
        """A call in which a byte or two of the head are others."""
        sent = self._call(self.document(stream))
        head = len(sent) - len(self.document(stream))
        for _ in range(self._chance.choice([1, 1, 2])):
            place = self._chance.randrange(head)
            new = self._chance.choice(
                [b"", b" ", b"\t", b"\r\n", b"\n", b"\r", b"\x00", b"#", b":", bytes([self._chance.randrange(256)])]
            )
            sent = sent[:place] + new + sent[place + 1 :]
        return sent, {3, 11}

    def framed_twice(self, stream: Stream) -> tuple[bytes, set[int]]:
        more = self._chance.choice(
            [
                "Content-Length: 1",
                "Content-Length: 0",
                "Transfer-Encoding: chunked",
                "Transfer-Encoding: identity",
                "Content-Encoding: gzip",
            ]
        )
        return self._call(self.document(stream), more), {2, 3}

    def no_http(self, _: Stream) -> tuple[bytes, set[int]]:
        return self._chance.choice(
            [
                b"NONSENSE\r\n\r\n",
                b"\x16\x03\x01\x02\x00\r\n\r\n",
                b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            ]
        ), {11}


Kind = Callable[[Streams, Stream], tuple[bytes, set[int]]]
KINDS: dict[Kind, int] = {
    Streams.ordinary: 30, Streams.unknown_head: 10, Streams.traced: 5, Streams.large: 2, Streams.token: 3, Streams.catalogue: 10, Streams.refused_body: 3,
    Streams.other_method: 3, Streams.expecting: 3, Streams.chunked: 3, Streams.old: 2, Streams.upgrading: 1, Streams.quoting: 3, Streams.empty_lines: 3,
    Streams.closing: 1, Streams.not_granted: 2, Streams.forged: 1, Streams.no_document: 2, Streams.malformed: 4, Streams.framed_twice: 1, Streams.no_http: 1,
}  # fmt: skip
