"""`Idempotency-Key`: a call sent twice happens once.

Where an operation only reads (`idempotent: true` in its contract) the second call simply runs again; what is kept is the
fingerprint of the first, so that one key cannot carry two different requests. Where it changes something the first
answer is kept for a day and given again. It may be a person's record, so it is stored encrypted under a key made from
the caller's own Idempotency-Key, and the store's name for it is a digest: who reads the disk reads nothing.

Where the outcome of a call is unknown (its adapter was killed, say), its key stays taken: nobody may be registered twice. The
operator settles it once the provider has been asked, or the call is sent again where the provider does nothing twice under one
`call.key`.

The store is a key-value bucket, so all gateways share it (draft-ietf-httpapi-idempotency-key-header).
"""

import base64
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import APIError, KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from lgsp_contracts.digest_ids import uuid_of
from lgsp_contracts.time_zone import VIETNAM
from lgsp_problems import NotFound, Refusal, RevisionConflict
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.leader_reads import open_bucket
from lgsp_runtime.nats.request_reply import bus_unavailable
from lgsp_runtime.nats.streams import is_wrong_revision

BUCKET = "LGSP_IDEMPOTENCY"
RETENTION_SECONDS = 24 * 3600
_KEY = re.compile(r'"?([\x21\x23-\x7e]{16,255})"?')


@dataclass(frozen=True, slots=True)
class Claim:
    """One key, claimed for one call. `revision` is the record's in the bucket, `shared` says that another try may hold it too."""

    name: str
    secret: bytes
    record: dict[str, Any]
    revision: int
    shared: bool = False


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is known of a key: `begun` (no result yet), `done` (its answer is kept), `settled` (it happened, its answer is not
    known), `repeatable` (the operation only reads, so its outcome is not kept) or `accepted` (it is carried out later, and the message
    tells what became of it), by which call, of which operation, since when (ISO 8601)."""

    state: str
    message: str
    operation: str
    at: str

    def document(self) -> dict[str, str]:
        """Return the record as JSON."""
        return {"state": self.state, "message": self.message, "operation": self.operation, "at": self.at}


class StoredAnswer(NamedTuple):
    """The answer that is kept under a key.

    Args:
        outcome: of the call that gets it: `replayed` where it is the first call's, `settled` where an operator supplied it.
    """

    document: bytes
    outcome: Literal["replayed", "settled"]


class KeyedRequest(NamedTuple):
    """What is asked under a key, so that one key carries one request.

    Args:
        repeatable: the operation is idempotent by its contract.
        deduplicated: its provider does nothing twice under one `call.key`.
    """

    purpose: str
    body: bytes
    repeatable: bool
    deduplicated: bool


Outcome = Literal["happened", "did-not-happen"]


class Idempotency:
    """The keys that callers have used."""

    def __init__(self) -> None:
        self._bucket: KeyValue | None = None

    async def start(self, connection: Client, replicas: int) -> None:
        """Make the bucket, or have the one that is there follow its configuration, and open it."""
        await streams.ensure_raw(
            connection,
            {
                "name": f"KV_{BUCKET}",
                "subjects": [f"$KV.{BUCKET}.>"],
                "storage": "file",
                "num_replicas": replicas,
                "max_age": RETENTION_SECONDS * 1_000_000_000,
                "max_msgs_per_subject": 1,
                "discard": "new",
                "duplicate_window": 120 * 1_000_000_000,
                "allow_direct": True,
                "allow_rollup_hdrs": True,
                "deny_delete": True,
            },
        )
        self._bucket = open_bucket(connection.jetstream(), BUCKET)

    async def claim(
        self, key: str, consumer: str, message: str, subject: str, request: KeyedRequest
    ) -> "Claim | StoredAnswer | None":
        """Claim a key for a call.

        Args:
            key: the header's value.
            message: the id of the call.
            subject: of the operation, as people are told it.

        Returns:
            A claim, to be kept or given back; the answer that is kept under it, if there is one; or None, when the operation
            may simply run again.

        Raises:
            Refusal: `malformed`, `idempotency-conflict` or `bus-unavailable`.
        """
        secret = _key_secret(consumer, key)
        fingerprint = _digest(b"fingerprint", secret, f"{subject} {request.purpose}".encode(), request.body)
        state = "repeatable" if request.repeatable else "begun"
        record = {"fingerprint": fingerprint, "state": state, "message": message, "operation": subject, "at": _now()}
        claimed = await self._create_or_read(secret, record)
        if isinstance(claimed, Claim):
            return claimed
        known = orjson.loads(claimed.value or b"{}")
        if request.repeatable:
            return None
        if known.get("state") == "done":
            return _decrypted_answer(secret, known)
        if known.get("state") == "settled":
            raise _conflict(
                "Lần gọi với Idempotency-Key này đã được thực hiện nhưng không giữ được câu trả lời; hãy tra cứu kết quả ở hệ thống cung cấp.",
                "The call with this Idempotency-Key did happen, but its answer is not known; look its result up with the provider.",
            )
        if request.deduplicated:
            return Claim(_digest(b"name", secret), secret, known, int(claimed.revision or 0), shared=True)
        raise _still_running()

    async def claim_message(
        self, key: str, consumer: str, message: str, subject: str, purpose: str, options: str, body: bytes
    ) -> str:
        """Claim a key for a call that is carried out later.

        The key stands for a message. Whoever claims it stores the message under its id, which the stream does once: so a crash between
        the two neither loses the message nor stores it twice.

        Args:
            message: the id of the call.
            options: what else the message is told by, such as its ordering key.

        Returns:
            The id of the message: that of the first call with this key.

        Raises:
            Refusal: `malformed`, `idempotency-conflict` or `bus-unavailable`.
        """
        secret = _key_secret(consumer, key)
        # A call that is answered at once and one that is carried out later are two requests, so one key does not carry both.
        what = f"accepted {subject} {purpose} {options}".encode()
        fingerprint = _digest(b"fingerprint", secret, what, body)
        record = {
            "fingerprint": fingerprint,
            "state": "accepted",
            "message": message,
            "operation": subject,
            "at": _now(),
        }
        claimed = await self._create_or_read(secret, record)
        return message if isinstance(claimed, Claim) else str(orjson.loads(claimed.value or b"{}")["message"])

    async def _create_or_read(self, secret: bytes, record: dict[str, Any]) -> Claim | KeyValue.Entry:
        """Create the record of a key, or read the one that is there for the same request.

        Raises:
            Refusal: `idempotency-conflict`, where the key was used for another request; `bus-unavailable`.
        """
        name = _digest(b"name", secret)
        try:
            try:
                return Claim(name, secret, record, await self._opened_bucket().create(name, orjson.dumps(record)))
            except KeyWrongLastSequenceError:
                entry = await self._opened_bucket().get(name)
        except KeyNotFoundError as error:  # given back by the first call just now
            raise _still_running() from error
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error
        if orjson.loads(entry.value or b"{}").get("fingerprint") != record["fingerprint"]:
            raise _conflict(
                "Idempotency-Key này đã dùng cho một yêu cầu khác; hãy tạo khóa mới cho yêu cầu mới.",
                "This Idempotency-Key was used for another request; make a new key for a new request.",
            )
        return entry

    async def store_answer(self, claim: Claim, answer: bytes) -> None:
        """Store the answer of a call that succeeded."""
        try:
            await self._opened_bucket().update(
                claim.name, _record_with_answer(claim.secret, claim.record, answer), last=claim.revision
            )
        except KeyWrongLastSequenceError as error:
            # Of several tries under the key, another one may have been first to store the same answer.
            if await self._stored_answer(claim) is None:
                raise bus_unavailable() from error
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error

    async def release(self, claim: Claim) -> StoredAnswer | None:
        """Release the key of a call that certainly had no effect, so that it can be used again.

        Returns:
            The answer of another try under the key that has had one since: it is the answer of this try too, whatever the provider said
            of the repeat.
        """
        try:
            if not claim.shared:  # otherwise another try may have done something
                await self._delete(claim.name, claim.revision)
                return None
        except KeyWrongLastSequenceError:
            pass  # another try has written
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error
        return await self._stored_answer(claim)

    async def _stored_answer(self, claim: Claim) -> StoredAnswer | None:
        try:
            known, _ = await self._read_record(claim.secret)
        except NotFound:
            return None
        if known.get("state") != "done" or known.get("fingerprint") != claim.record["fingerprint"]:
            return None
        return _decrypted_answer(claim.secret, known)

    async def look_up(self, consumer: str, key: str) -> KeyRecord:
        """Return the record of a key of a system.

        Raises:
            Refusal: `malformed`, `not-found` or `bus-unavailable`.
        """
        known, _ = await self._read_record(_key_secret(consumer, key))
        return _key_record(known)

    async def resolve(
        self, consumer: str, key: str, outcome: Outcome, answer: bytes, check: Callable[[KeyRecord, bytes], None]
    ) -> KeyRecord:
        """Say what became of a call whose outcome is unknown, for whoever has asked the provider.

        Args:
            outcome: whether it happened. Where it did not, the key is free again.
            answer: the answer that the next call under this key gets; empty where it is not known.
            check: raises what is wrong with an answer to the call that the key is settled for, which is the record written to.

        Returns:
            What was known of the key.

        Raises:
            Refusal: `not-found`; `idempotency-conflict`, where its outcome is known; `revision-conflict`; `bus-unavailable`; what
                `check` raises.
        """
        secret = _key_secret(consumer, key)
        known, revision = await self._read_record(secret)
        if known["state"] == "repeatable":
            raise _conflict(
                "Thao tác này chỉ đọc: mỗi lần gọi lại đều được thực hiện, không có gì để xác định.",
                "This operation only reads: it is carried out each time it is called, so there is nothing to settle.",
            )
        if known["state"] == "accepted":
            raise _conflict(
                "Yêu cầu này được thực hiện sau, như một thông điệp; hãy xem trạng thái của nó bằng lgsp messages show.",
                "This request is carried out later, as a message; see its state with lgsp messages show.",
            )
        if known["state"] != "begun":
            raise _conflict(
                "Kết quả của lần gọi này đã biết, không có gì để xác định.",
                "The outcome of this call is known; there is nothing to settle.",
            )
        if answer:
            check(_key_record(known), answer)
        name = _digest(b"name", secret)
        try:
            if outcome == "did-not-happen":
                await self._delete(name, revision)
            else:
                settled = (
                    _record_with_answer(secret, {**known, "settled": True}, answer)
                    if answer
                    else orjson.dumps({**known, "state": "settled"})
                )
                await self._opened_bucket().update(name, settled, last=revision)
        except KeyWrongLastSequenceError as error:
            raise RevisionConflict(
                vi="Lần gọi này vừa có kết quả; hãy xem lại trước khi xác định.",
                en="This call has just come to a result; look again before you settle it.",
            ) from error
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error
        return _key_record(known)

    async def _read_record(self, secret: bytes) -> tuple[dict[str, Any], int]:
        try:
            entry = await self._opened_bucket().get(_digest(b"name", secret))
        except KeyNotFoundError as error:
            raise NotFound(
                vi="Hệ thống này chưa dùng Idempotency-Key đó trong 24 giờ qua; hãy kiểm tra tên hệ thống và khóa.",
                en="This system has not used that Idempotency-Key in the last 24 hours; check the system's name and the key.",
            ) from error
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error
        return orjson.loads(entry.value or b"{}"), int(entry.revision or 0)

    async def _delete(self, name: str, revision: int) -> None:
        """Delete a record if it is still the one that was read, as the client updates and creates records.

        Raises:
            KeyWrongLastSequenceError: it was written since.
        """
        try:
            await self._opened_bucket().delete(name, last=revision)
        except APIError as error:  # nats-py translates this error of a create or an update, and not that of a delete
            if is_wrong_revision(error.err_code):
                raise KeyWrongLastSequenceError(error.description or "") from error
            raise

    def _opened_bucket(self) -> KeyValue:
        if self._bucket is None:
            raise bus_unavailable()
        return self._bucket


def key_required(operation: str) -> Refusal:
    """Return the refusal of a call without a key, where the contract demands one."""
    return Refusal(
        "idempotency-key-required",
        vi=f"Thao tác {operation} cần tiêu đề Idempotency-Key để không bị thực hiện hai lần; hãy gửi một UUID mới cho mỗi việc, và gửi lại chính nó khi thử lại.",
        en=f"The operation {operation} needs the header Idempotency-Key, so that it is not done twice; send a new UUID for each thing to do, and the same one when you try again.",
    )


def call_key(consumer: str, key: str) -> str:
    """Return the key that a provider receives for an Idempotency-Key: a UUID (version 8, RFC 9562), the same for each attempt, of which nobody learns the
    key or meets another system's.

    Raises:
        Refusal: `malformed`.
    """
    return uuid_of(bytes.fromhex(_digest(b"call key", _key_secret(consumer, key))))


def call_key_of_message(consumer: str, message: str) -> str:
    """Return the key that a provider receives in each attempt to deliver a message whose caller sent no Idempotency-Key."""
    return uuid_of(bytes.fromhex(_digest(b"call key of a message", f"{consumer}\0{message}".encode())))


def _key_secret(consumer: str, key: str) -> bytes:
    matched = _KEY.fullmatch(key)
    if matched is None:
        raise Refusal(
            "malformed",
            vi="Idempotency-Key phải có 16 đến 255 ký tự ASCII, chẳng hạn một UUID; hãy tạo khóa mới cho mỗi việc cần làm.",
            en="Idempotency-Key must have 16 to 255 ASCII characters, such as a UUID; make a new one for each thing to do.",
        )
    return f"{consumer}\0{matched[1]}".encode()


def _now() -> str:
    return datetime.now(VIETNAM).isoformat(timespec="milliseconds")


def _key_record(known: dict[str, Any]) -> KeyRecord:
    return KeyRecord(*(str(known.get(name, "")) for name in ("state", "message", "operation", "at")))


def _record_with_answer(secret: bytes, record: dict[str, Any], answer: bytes) -> bytes:
    return orjson.dumps({**record, "state": "done", "answer": _encrypt(secret, record["fingerprint"], answer)})


def _decrypted_answer(secret: bytes, record: dict[str, Any]) -> StoredAnswer:
    document = _decrypt(secret, record["fingerprint"], record["answer"])
    return StoredAnswer(document, "settled" if record.get("settled") else "replayed")


def _digest(purpose: bytes, *parts: bytes) -> str:
    digest = hashlib.sha256(purpose)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _cipher(secret: bytes, fingerprint: str) -> AESGCM:
    return AESGCM(hashlib.sha256(b"answer\0" + fingerprint.encode() + secret).digest())


def _encrypt(secret: bytes, fingerprint: str, answer: bytes) -> str:
    nonce = os.urandom(12)
    return base64.b64encode(nonce + _cipher(secret, fingerprint).encrypt(nonce, answer, None)).decode()


def _decrypt(secret: bytes, fingerprint: str, sealed: str) -> bytes:
    content = base64.b64decode(sealed)
    try:
        return _cipher(secret, fingerprint).decrypt(content[:12], content[12:], None)
    except InvalidTag as error:
        raise _still_running() from error


def _conflict(vi: str, en: str) -> Refusal:
    return Refusal("idempotency-conflict", vi=vi, en=en)


def _still_running() -> Refusal:
    return Refusal(
        "idempotency-conflict",
        vi="Lần gọi đầu với Idempotency-Key này chưa có kết quả; hãy gọi lại với cùng khóa sau vài giây, đừng gửi khóa khác; nếu vẫn vậy, hãy nhờ đơn vị vận hành trục xác định kết quả.",
        en="The first call with this Idempotency-Key has no known result yet; ask again with the same key in some seconds, and send no other; if it stays so, ask the operator of the bus to settle it.",
        retry_after=5,
    )
