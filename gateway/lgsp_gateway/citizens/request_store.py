"""Keeps the requests of citizens where they can be forgotten: in the bucket of what is known of people, encrypted.

The registry keeps everything for ever, so nothing of a request goes into it. What was asked and what was answered are two keys, each
written once: an answer can replace neither the request nor another answer, and nothing stays behind on disk when both are erased.
The keys hold no name: the agency is written in hex, the citizen as a pseudonym of their pseudonym in the evidence.
"""

import asyncio
import base64
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

import orjson

from lgsp_gateway.citizens.requests import Answer, CitizenRequest, Kind, day_of, due_day
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.sessions import buckets
from lgsp_gateway.sessions.store import PeopleStore
from lgsp_problems import QuotaExceeded, Refusal

NUMBER_PATTERN: Final = "^[0-9]{8}-[a-z2-7]{10}$"
MAX_A_DAY: Final = 10
"""Requests that a citizen may make on one day."""
MAX_WAITING: Final = 30
"""Requests of a citizen that may wait for an answer at the same time."""

_ASKED, _ANSWERED = "asked", "answered"
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


class RequestStore:
    """Keeps, finds, answers and forgets the requests of citizens.

    Args:
        people: the open store, in whose bucket they are kept.
        cipher: encrypts them.
        alias_of: returns another pseudonym for a citizen's pseudonym, so that the keys of the bucket cannot be compared with the evidence.
        working_days: in which a request has to be answered.
        kept_days: for which an answered request is kept.
    """

    def __init__(
        self,
        people: PeopleStore,
        cipher: PayloadCipher,
        alias_of: Callable[[str], str],
        *,
        working_days: int,
        kept_days: int,
    ) -> None:
        self._people = people
        self._cipher = cipher
        self._alias_of = alias_of
        self.working_days = working_days
        self._kept_seconds = kept_days * 86400
        self._asking = asyncio.Lock()

    async def ask(self, citizen: str, agency: str, kind: Kind, text: str, entry: dict[str, Any]) -> CitizenRequest:
        """Keep a new request, and return it with its number and its deadline.

        Args:
            citizen: the pseudonym of whoever asks.
            entry: of the access log, as the citizen saw it.

        Raises:
            Refusal: `already-exists`, `quota-exceeded` or `bus-unavailable`.
        """
        async with self._asking:  # or many at once would each see that they are the first
            now = time.time()
            own = await self.of_citizen(citizen)
            _refuse_too_many(own, now)
            _refuse_repetition(own, kind, entry)
            letters = "".join(secrets.choice(_LETTERS) for _ in range(10))
            number = f"{day_of(now):%Y%m%d}-{letters}"
            request = CitizenRequest(number, agency, citizen, kind, text, entry, now, due_day(now, self.working_days))
            await self._create(self._key(request, _ASKED), request.document())
        return request

    async def check_limits(self, citizen: str) -> None:
        """Refuse a citizen who may make no more requests now.

        Raises:
            Refusal: `quota-exceeded` or `bus-unavailable`.
        """
        _refuse_too_many(await self.of_citizen(citizen), time.time())

    async def of_citizen(self, citizen: str) -> list[CitizenRequest]:
        """Return the requests of a citizen, the newest first.

        Args:
            citizen: their pseudonym.

        Raises:
            Refusal: `bus-unavailable`.
        """
        found = await self._found(f"citizen-request.*.{self._alias_of(citizen)}.*.*")
        return sorted((one for one in found if one.citizen == citizen), key=lambda one: -one.asked)

    async def of_agency(self, agency: str) -> list[CitizenRequest]:
        """Return the requests to an agency, or to all for "": those that wait first, the most urgent of them first.

        Raises:
            Refusal: `bus-unavailable`.
        """
        found = await self._found(f"citizen-request.{_hex(agency) if agency else '*'}.*.*.*")
        return sorted(
            found, key=lambda one: (one.answer is not None, one.due if one.answer is None else day_of(0), -one.asked)
        )

    async def request(self, number: str) -> CitizenRequest | None:
        """Return a request by its number; None where there is none.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return next(iter(await self._found(f"citizen-request.*.*.{number}.*")), None)

    async def answer(self, request: CitizenRequest, text: str, by: str) -> CitizenRequest:
        """Answer a request, once.

        Args:
            by: the name of the principal who answers.

        Raises:
            Refusal: `step-not-allowed`, where it was answered before; `bus-unavailable`.
        """
        answer = Answer(text, by, time.time())
        if not await self._create(self._key(request, _ANSWERED), answer._asdict()):
            raise Refusal(
                "step-not-allowed",
                vi=f"Yêu cầu {request.number} đã được trả lời; hãy tải lại trang để xem câu trả lời.",
                en=f"The request {request.number} has been answered; reload the page to read the answer.",
            )
        return request._replace(answer=answer)

    async def forget_old(self) -> None:
        """Erase the requests that were answered long enough ago; their bytes are overwritten on disk.

        Raises:
            Refusal: `bus-unavailable`, or `cannot-start` where the gateway lacks the password of the user who may erase.
        """
        now = time.time()
        for key, stored in (await self._people.documents("citizen-request.*.*.*.answered")).items():
            if now - self._decrypted(key, stored)["at"] >= self._kept_seconds:
                await self._people.erase(f"{key.removesuffix(_ANSWERED)}{_ASKED}")  # first: what is left is found again
                await self._people.erase(key)

    async def _found(self, pattern: str) -> list[CitizenRequest]:
        documents: dict[str, dict[str, dict[str, Any]]] = {}
        for key, stored in (await self._people.documents(pattern)).items():
            request, _, part = key.rpartition(".")
            documents.setdefault(request, {})[part] = self._decrypted(key, stored)
        return [
            CitizenRequest.from_documents(parts[_ASKED], parts.get(_ANSWERED))
            for parts in documents.values()
            if _ASKED in parts
        ]

    async def _create(self, key: str, document: dict[str, Any]) -> bool:
        sealed = self._cipher.encrypt(key, orjson.dumps(document))
        return await buckets.replace(self._people.bucket, key, {"sealed": base64.b64encode(sealed).decode()}, 0)

    def _decrypted(self, key: str, stored: dict[str, Any]) -> dict[str, Any]:
        document: dict[str, Any] = orjson.loads(self._cipher.decrypt(key, base64.b64decode(stored["sealed"])))
        return document

    def _key(self, request: CitizenRequest, part: str) -> str:
        return f"citizen-request.{_hex(request.agency)}.{self._alias_of(request.citizen)}.{request.number}.{part}"


def _hex(agency: str) -> str:
    return agency.encode().hex()


def _refuse_repetition(own: list[CitizenRequest], kind: Kind, entry: dict[str, Any]) -> None:
    wanted = (kind, entry["message"], entry["agency"])
    same = [one for one in own if one.answer is None and (one.kind, one.entry["message"], one.agency) == wanted]
    if same:
        raise Refusal(
            "already-exists",
            vi=f"Bạn đã gửi yêu cầu này (số {same[0].number}) và cơ quan chưa trả lời; hãy chờ câu trả lời.",
            en=f"You have sent this request (number {same[0].number}), and the agency has not answered it yet; wait for its answer.",
        )


def _refuse_too_many(own: list[CitizenRequest], now: float) -> None:
    waiting = sum(one.answer is None for one in own)
    today = sum(day_of(one.asked) == day_of(now) for one in own)
    if waiting >= MAX_WAITING or today >= MAX_A_DAY:
        raise QuotaExceeded(
            vi=f"Mỗi người gửi được {MAX_A_DAY} yêu cầu một ngày và có tối đa {MAX_WAITING} yêu cầu đang chờ; hãy thử lại ngày mai.",
            en=f"Everybody may send {MAX_A_DAY} requests a day and have {MAX_WAITING} that wait; try again tomorrow.",
            retry_after=3600,
        )
