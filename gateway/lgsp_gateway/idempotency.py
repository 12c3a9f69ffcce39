"""`Idempotency-Key`: a call sent twice happens once.

Where an operation only reads (`idempotent: true` in its contract) the second call simply runs again; what is kept is the
fingerprint of the first, so that one key cannot carry two different requests. Where it changes something the first
answer is kept for a day and given again. It may be a person's record, so it is stored encrypted under a key made from
the caller's own Idempotency-Key, and the store's name for it is a digest: who reads the disk reads nothing.

The store is a key-value bucket, so all gateways share it (draft-ietf-httpapi-idempotency-key-header).
"""

import base64
import hashlib
import os
import re
from dataclasses import dataclass

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import KeyValueConfig
from nats.js.errors import BucketNotFoundError, KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from lgsp_gateway.bus import bus_unavailable
from lgsp_problems import Refusal

BUCKET = "LGSP_IDEMPOTENCY"
KEPT_SECONDS = 24 * 3600
_KEY = re.compile(r'"?([\x21\x23-\x7e]{16,255})"?')


@dataclass(frozen=True, slots=True)
class Claim:
    """One key, claimed for one call. `revision` is the record's in the bucket."""

    name: str
    secret: bytes
    fingerprint: str
    revision: int


class Idempotency:
    """The keys that callers have used."""

    def __init__(self) -> None:
        self._bucket: KeyValue | None = None

    async def start(self, connection: Client, replicas: int) -> None:
        """Open the bucket, or make it."""
        jetstream = connection.jetstream()
        try:
            self._bucket = await jetstream.key_value(BUCKET)
        except BucketNotFoundError:
            config = KeyValueConfig(bucket=BUCKET, ttl=KEPT_SECONDS, replicas=replicas, history=1)
            self._bucket = await jetstream.create_key_value(config)

    async def claim(
        self, key: str, consumer: str, operation: str, body: bytes, *, repeatable: bool
    ) -> Claim | bytes | None:
        """Claim a key for a call.

        Args:
            key: the header's value.
            operation: subject of the operation and purpose, so that a key belongs to one question.
            repeatable: the operation is idempotent by its contract.

        Returns:
            A claim, to be kept or given back; the first call's answer, if there is one; or None, when the operation
            may simply run again.

        Raises:
            Refusal: `malformed`, `idempotency-conflict` or `bus-unavailable`.
        """
        matched = _KEY.fullmatch(key)
        if matched is None:
            raise Refusal(
                "malformed",
                vi="Idempotency-Key phải có 16 đến 255 ký tự ASCII, chẳng hạn một UUID; hãy tạo khóa mới cho mỗi lần gọi.",
                en="Idempotency-Key must have 16 to 255 ASCII characters, such as a UUID; make a new one for each call.",
            )
        secret = f"{consumer}\0{matched[1]}".encode()
        name = _digest(b"name", secret)
        fingerprint = _digest(b"fingerprint", secret, operation.encode(), body)
        record = orjson.dumps({"fingerprint": fingerprint, "state": "begun"})
        try:
            try:
                return Claim(name, secret, fingerprint, await self._open().create(name, record))
            except KeyWrongLastSequenceError:
                known = orjson.loads((await self._open().get(name)).value or b"{}")
        except KeyNotFoundError:  # given back by the first call just now
            raise _still_running() from None
        except (NatsError, OSError):
            raise bus_unavailable() from None
        if known.get("fingerprint") != fingerprint:
            raise Refusal(
                "idempotency-conflict",
                vi="Idempotency-Key này đã dùng cho một yêu cầu khác; hãy tạo khóa mới cho yêu cầu mới.",
                en="This Idempotency-Key was used for another request; make a new key for a new request.",
            )
        if repeatable:
            return None
        if known.get("state") != "done":
            raise _still_running()
        return _opened(secret, fingerprint, known["answer"])

    async def keep(self, claim: Claim, answer: bytes) -> None:
        """The call succeeded: keep its answer."""
        record = {
            "fingerprint": claim.fingerprint,
            "state": "done",
            "answer": _sealed(claim.secret, claim.fingerprint, answer),
        }
        try:
            await self._open().update(claim.name, orjson.dumps(record), last=claim.revision)
        except (NatsError, OSError):
            raise bus_unavailable() from None

    async def give_back(self, claim: Claim) -> None:
        """The call certainly did nothing: the key may be used again."""
        try:
            await self._open().delete(claim.name, last=claim.revision)
        except (NatsError, OSError):
            raise bus_unavailable() from None

    def _open(self) -> KeyValue:
        if self._bucket is None:
            raise bus_unavailable()
        return self._bucket


def _digest(purpose: bytes, *parts: bytes) -> str:
    digest = hashlib.sha256(purpose)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _cipher(secret: bytes, fingerprint: str) -> AESGCM:
    return AESGCM(hashlib.sha256(b"answer\0" + fingerprint.encode() + secret).digest())


def _sealed(secret: bytes, fingerprint: str, answer: bytes) -> str:
    nonce = os.urandom(12)
    return base64.b64encode(nonce + _cipher(secret, fingerprint).encrypt(nonce, answer, None)).decode()


def _opened(secret: bytes, fingerprint: str, sealed: str) -> bytes:
    content = base64.b64decode(sealed)
    try:
        return _cipher(secret, fingerprint).decrypt(content[:12], content[12:], None)
    except InvalidTag:
        raise _still_running() from None


def _still_running() -> Refusal:
    return Refusal(
        "idempotency-conflict",
        vi="Lần gọi đầu với Idempotency-Key này chưa có kết quả; hãy chờ rồi hỏi lại, đừng gửi khóa khác nếu chưa biết kết quả.",
        en="The first call with this Idempotency-Key has no known result yet; wait and ask again, and do not send another key before you know it.",
        retry_after=5,
    )
