"""The record of one call, from the moment its caller is known, and the entry of the evidence that is made of it.

The entry never holds the payload or a person's number. Names that a caller chose freely (a service that does not exist, a
purpose nobody grants) stay out of it too, since anything can stand in them; digests, sizes and codes go in.
"""

import time
from dataclasses import dataclass, field
from functools import lru_cache

import orjson

from lgsp_auth.principal import caller_name, person_name
from lgsp_contracts import entry as entries
from lgsp_gateway.calls.authorize import AuthorizedCall, UnauthorizedCall
from lgsp_gateway.calls.model import CallRequest, StepTimes
from lgsp_gateway.registry.indexed_documents import System
from lgsp_problems import Refusal


@dataclass(slots=True)
class CallRecord:
    """What is known of a call so far.

    Args:
        began: a reading of `time.perf_counter()`.
        time_ms: in milliseconds since 1970.
        salt: makes the digests in the entry unguessable. It is given to the caller and to the adapter, and stands in no entry.
        officer: the opaque id of the officer who calls by the form system of an agency; "" where a system calls by itself.
        through: the system that acts in the name of the officer, or of the person who tries; "" for none.
        reference: the number of the dossier that it is for, checked; "" for none.
        trial_by: the opaque id of the person who only tried it; "" for a call.
    """

    message: str
    trace: str
    consumer: str
    agency: str
    gateway: str
    began: float
    time_ms: int
    salt: bytes
    times: StepTimes = field(default_factory=StepTimes)
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
    accepted: bytes = b""
    officer: str = ""
    through: str = ""
    reference: str = ""
    trial_by: str = ""

    @classmethod
    def begin(cls, request: CallRequest, consumer: System, gateway: str, began: float, now: float) -> "CallRecord":
        """Begin the record of a call whose caller is known."""
        return cls(
            request.message,
            request.traceparent[3:35],
            consumer.name,
            consumer.agency,
            gateway,
            began,
            int(now * 1000),
            request.salt,
        )

    @property
    def caller(self) -> str:
        """Return who calls: a system, an officer through a form system, or who only tries as a system, as `Principal` writes them."""
        return caller_name(self.consumer, self.officer or self.trial_by)

    def set_authorized(self, call: AuthorizedCall) -> None:
        """Record what was decided before the document is looked at."""
        contract = call.contract
        self.provider, self.service = contract.provider, contract.service
        self.version, self.operation = contract.version, call.operation.name
        self.purpose, self.grant = call.purpose, call.grant.name

    def set_unauthorized(self, call: UnauthorizedCall) -> None:
        """Record what was known of a call when it was refused."""
        self.provider, self.service, self.version = call.provider, call.service, call.version
        self.operation, self.purpose, self.grant = call.operation, call.purpose, call.grant

    def set_request(self, body: bytes) -> None:
        """Record the request, byte for byte as the caller sent it."""
        self.request_digest = entries.digest(self.salt, body)
        self.request_size = len(body)

    @property
    def was_received(self) -> bool:
        """Tell whether the body of the request was received; a quota has counted the call then."""
        return bool(self.request_digest)

    def set_checked(self, subject: str) -> None:
        """Record that the request keeps its contract, and the pseudonym of the person whom it is about."""
        self.subject = "" if self.trial_by else subject  # a sandbox has nobody's data: no citizen is told of it
        self.times.check = (time.perf_counter() - self.began) * 1000

    def set_answer(self, body: bytes) -> None:
        """Record the answer, byte for byte as the caller gets it."""
        self.answer_digest = entries.digest(self.salt, body)
        self.answer_size = len(body)

    def set_accepted(self, message: str, entry: bytes, *, repeated: bool) -> None:
        """Record that the call is carried out later, as a message that is on disk.

        Args:
            message: its id.
            entry: of the evidence, in place of that of a call.
            repeated: whether an earlier call was accepted as the same message.
        """
        self.message, self.accepted = message, entry
        self.outcome, self.status = "repeated" if repeated else "accepted", 202

    def set_refusal(self, refusal: Refusal) -> None:
        """Record that the call ends with a no."""
        self.outcome = refusal.code
        self.status = refusal.kind.status
        self.answer_digest, self.answer_size = "", 0

    def finish(self) -> bytes:
        """Record that everything is done but the writing.

        Returns:
            The entry: one line of JSON (docs/protocol/entry-1.md).
        """
        times = self.times
        times.handled = (time.perf_counter() - self.began) * 1000
        if self.accepted:
            return self.accepted
        by = self.gateway, self.consumer, self.agency, self.provider
        names = _names_as_json(*by, self.service, self.version, self.operation, self.purpose, self.grant)
        rare = self._rare_fields() if self.officer or self.reference or self.trial_by else ""
        split = "" if times.adapter is None else f'"adapterMs":{times.adapter:.2f},'
        if times.upstream is not None:
            split += f'"upstreamMs":{times.upstream:.2f},'
        return (
            f'{{"v":1,"kind":"call","message":"{self.message}","time":{self.time_ms},{names},'
            f'"subject":"{self.subject}","onBehalfOf":"{self.on_behalf_of}",{rare}"outcome":"{self.outcome}","status":{self.status},'
            f'"requestDigest":"{self.request_digest}","requestSize":{self.request_size},'
            f'"answerDigest":"{self.answer_digest}","answerSize":{self.answer_size},'
            f'"providerMs":{times.provider:.2f},{split}"totalMs":{times.handled:.2f},"trace":"{self.trace}"}}'
        ).encode()

    def _rare_fields(self) -> str:
        """Return the fields that most entries do not have, as JSON; they need no escaping."""
        person = self.officer or self.trial_by
        by = f'"by":"{person_name(person)}",' if person else ""
        by += f'"through":"{self.through}",' if self.through else ""
        trial = '"trial":true,' if self.trial_by else ""
        return by + trial + (f'"reference":"{self.reference}",' if self.reference else "")

    def mark_written(self) -> None:
        """Record that the entry is on disk."""
        self.times.evidence = (time.perf_counter() - self.began) * 1000 - self.times.handled


_NAMES = ("gateway", "consumer", "agency", "provider", "service", "version", "operation", "purpose", "grant")


@lru_cache(10_000)
def _names_as_json(*names: str) -> str:
    """Return the fields of an entry that are the same for all calls of one kind, as JSON without the braces.

    The others are numbers, digests, ids and codes, which need no escaping; so an entry takes 3 µs, where `orjson.dumps` of all
    its fields took 5 (measured).
    """
    return orjson.dumps(dict(zip(_NAMES, names, strict=True)))[1:-1].decode()
