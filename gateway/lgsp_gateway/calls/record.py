"""One passage of a message through the bus, from the moment its caller is known, and the entry it leaves.

The entry never holds the payload or a person's number. Names that a caller chose freely (a service that does not exist, a
purpose nobody grants) stay out of it too, since anything can stand in them; digests, sizes and codes go in.
"""

import hashlib
import os
import time
from dataclasses import dataclass
from functools import lru_cache

import orjson

from lgsp_contracts import entry as entries
from lgsp_gateway.calls.authorize import AuthorizedCall, UnauthorizedCall
from lgsp_problems import Refusal


@dataclass(slots=True)
class Passage:
    """What is known of a call so far. `began` is a reading of `time.perf_counter()`, `time_ms` in milliseconds since 1970.

    `salt` makes the digests in the entry unguessable. It is given to the caller and to the adapter, and stands in no entry.
    """

    message: str
    trace: str
    consumer: str
    agency: str
    gateway: str
    began: float
    time_ms: int
    salt: bytes
    provider: str = ""
    service: str = ""
    version: str = ""
    operation: str = ""
    purpose: str = ""
    grant: str = ""
    subject: str = ""
    on_behalf_of: str = ""
    outcome: str = "answered"
    status: int = 200
    request_digest: str = ""
    request_size: int = 0
    answer_digest: str = ""
    answer_size: int = 0
    provider_ms: float = 0.0

    def goes(self, way: AuthorizedCall) -> None:
        """What was decided before the content is looked at."""
        contract = way.contract
        self.provider, self.service = contract.provider, contract.service
        self.version, self.operation = contract.version, way.operation.name
        self.purpose, self.grant = way.purpose, way.grant.name

    def unauthorized(self, call: UnauthorizedCall) -> None:
        """What was known of a call when it was refused."""
        self.provider, self.service, self.version = call.provider, call.service, call.version
        self.operation, self.purpose, self.grant = call.operation, call.purpose, call.grant

    def received(self, body: bytes) -> None:
        """The request, byte for byte as the caller sent it."""
        self.request_digest = entries.digest(self.salt, body)
        self.request_size = len(body)

    @property
    def was_received(self) -> bool:
        """Was its document taken? A quota has counted it then."""
        return bool(self.request_digest)

    def answered(self, body: bytes) -> None:
        """The answer, byte for byte as the caller gets it."""
        self.answer_digest = entries.digest(self.salt, body)
        self.answer_size = len(body)

    def refused(self, refusal: Refusal) -> None:
        """The call ends with a no."""
        self.outcome = refusal.code
        self.status = refusal.kind.status
        self.answer_digest, self.answer_size = "", 0

    def entry(self) -> bytes:
        """The entry: one line of JSON."""
        by = self.gateway, self.consumer, self.agency, self.provider
        standing = _standing(*by, self.service, self.version, self.operation, self.purpose, self.grant)
        total = (time.perf_counter() - self.began) * 1000
        return (
            f'{{"v":1,"kind":"call","message":"{self.message}","time":{self.time_ms},{standing},'
            f'"subject":"{self.subject}","onBehalfOf":"{self.on_behalf_of}","outcome":"{self.outcome}","status":{self.status},'
            f'"requestDigest":"{self.request_digest}","requestSize":{self.request_size},'
            f'"answerDigest":"{self.answer_digest}","answerSize":{self.answer_size},'
            f'"providerMs":{self.provider_ms:.2f},"totalMs":{total:.2f},"trace":"{self.trace}"}}'
        ).encode()


_STANDING = ("gateway", "consumer", "agency", "provider", "service", "version", "operation", "purpose", "grant")


@lru_cache(10_000)
def _standing(*names: str) -> str:
    """The fields of an entry that are the same for all calls on one way, as JSON without the braces.

    The others are numbers, digests, ids and codes, which need no escaping; so an entry takes 3 µs, where `orjson.dumps` of all
    its fields took 5 (measured).
    """
    return orjson.dumps(dict(zip(_STANDING, names, strict=True)))[1:-1].decode()


class Salts:
    """Random salts, each given once.

    They are cut from what the kernel gives at a time: 0.4 µs each, where asking it for each takes 0.6 and a system call (measured).
    """

    def __init__(self) -> None:
        self._random = b""
        self._used = 0

    def take(self) -> bytes:
        """Return a salt that nobody had before."""
        begin = self._used
        if begin >= len(self._random):
            self._random, begin = os.urandom(_SALTS_AT_ONCE * entries.SALT_BYTES), 0
        self._used = end = begin + entries.SALT_BYTES
        return self._random[begin:end]


_SALTS_AT_ONCE = 256


class Pseudonyms:
    """Turns a person's number into the name under which evidence knows the person.

    Keyed BLAKE2b (RFC 7693) with a key that never leaves the gateways: whoever holds the evidence alone cannot find a number
    by trying all of them, and operations can search for one with the key's help. A call pays 0.5 µs for it, where
    HMAC-SHA-256 through OpenSSL took 1.4 (measured).
    """

    def __init__(self, key: bytes) -> None:
        self._keyed = hashlib.blake2b(key=key, digest_size=16)

    def of(self, number: str) -> str:
        """The pseudonym: 128 bits in hex."""
        keyed = self._keyed.copy()
        keyed.update(number.encode())
        return keyed.hexdigest()
