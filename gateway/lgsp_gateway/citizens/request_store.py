"""Keeps the requests of citizens where they can be forgotten: in the bucket of what is known of people, encrypted.

The registry keeps everything for ever, so nothing of a request goes into it. What was asked, the first reply and the answer are a key each,
written once: an answer can replace neither the request nor another answer, and nothing stays behind on disk when all are erased.
The keys hold no name: the agency is written in hex, the citizen as a pseudonym of their pseudonym in the evidence.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from lgsp_gateway.citizens.requests import Answer, CitizenRequest, DueRequest, Kind, day_of, due_day
from lgsp_gateway.citizens.sealed_requests import ANSWERED, ASKED, REPLIED, Found, SealedRequests
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.sessions.store import PeopleStore
from lgsp_problems import QuotaExceeded, Refusal

NUMBER_PATTERN: Final = "^[0-9]{8}-[a-z2-7]{10}$"
MAX_A_DAY: Final = 10
"""Requests that a citizen may make on one day."""
MAX_WAITING: Final = 30
"""Requests of a citizen that may wait for an answer at the same time."""

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
        self._sealed = SealedRequests(people, cipher, alias_of, working_days)
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
            own = (await self._sealed.of_citizen(citizen)).requests
            _refuse_too_many(own, now)
            _refuse_repetition(own, kind, entry)
            letters = "".join(secrets.choice(_LETTERS) for _ in range(10))
            number = f"{day_of(now):%Y%m%d}-{letters}"
            request = CitizenRequest(number, agency, citizen, kind, text, entry, now, due_day(now, self.working_days))
            await self._sealed.create(request, ASKED, request.document())
        return request

    async def check_limits(self, citizen: str) -> None:
        """Refuse a citizen who may make no more requests now.

        Raises:
            Refusal: `quota-exceeded` or `bus-unavailable`.
        """
        _refuse_too_many((await self._sealed.of_citizen(citizen)).requests, time.time())

    async def of_citizen(self, citizen: str) -> Found:
        """Find the requests of a citizen, the newest first.

        Args:
            citizen: their pseudonym.

        Raises:
            Refusal: `bus-unavailable`.
        """
        found = await self._sealed.of_citizen(citizen)
        own = sorted((one for one in found.requests if one.citizen == citizen), key=lambda one: -one.asked)
        return Found(own, sorted(found.damaged, reverse=True))

    async def of_agency(self, agency: str) -> Found:
        """Find the requests to an agency, or to all for "": those that wait first, the most urgent of them first.

        Raises:
            Refusal: `bus-unavailable`.
        """
        found = await self._sealed.of_agency(agency)
        waiting_first = sorted(
            found.requests,
            key=lambda one: (one.answer is not None, one.due if one.answer is None else day_of(0), -one.asked),
        )
        return Found(waiting_first, sorted(found.damaged, key=lambda one: (one.answered, one.due, one.number)))

    async def waiting(self, agency: str) -> list[DueRequest]:
        """Return the requests that an agency has to answer, also those that cannot be read.

        Raises:
            Refusal: `bus-unavailable`.
        """
        found = await self.of_agency(agency)
        waiting = [one for one in found.requests if one.answer is None]
        return [*waiting, *(one for one in found.damaged if not one.answered)]

    async def count_waiting(self, agency: str) -> int:
        """Count the requests that an agency has to answer, without opening one.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return await self._sealed.count_waiting(agency)

    async def request(self, number: str) -> Found:
        """Find a request by its number.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return await self._sealed.numbered(number)

    async def answer(self, request: CitizenRequest, text: str, by: str) -> CitizenRequest:
        """Answer a request, once.

        Args:
            by: the name of the principal who answers.

        Raises:
            Refusal: `step-not-allowed`, where it was answered before; `bus-unavailable`.
        """
        answer = Answer(text, by, time.time())
        if not await self._sealed.create(request, ANSWERED, answer._asdict()):
            raise Refusal(
                "step-not-allowed",
                vi=f"Yêu cầu {request.number} đã được trả lời; hãy tải lại trang để xem câu trả lời.",
                en=f"The request {request.number} has been answered; reload the page to read the answer.",
            )
        return request._replace(answer=answer)

    async def reply_first(self, request: CitizenRequest, text: str, by: str) -> CitizenRequest:
        """Tell a citizen that a request was received and how it is dealt with, once, before it is answered.

        Args:
            by: the name of the principal who replies.

        Raises:
            Refusal: `step-not-allowed`, where that was told or the request was answered before; `bus-unavailable`.
        """
        reply = Answer(text, by, time.time())
        if not request.waits_for_first_reply or not await self._sealed.create(request, REPLIED, reply._asdict()):
            raise Refusal(
                "step-not-allowed",
                vi=f"Cơ quan đã phản hồi yêu cầu {request.number}; hãy tải lại trang để xem, rồi gửi câu trả lời.",
                en=f"Your agency has replied to the request {request.number}; reload the page to read that, and send the answer.",
            )
        return request._replace(first_reply=reply)

    async def forget_old(self) -> None:
        """Erase the requests that were answered long enough ago; their bytes are overwritten on disk.

        Raises:
            Refusal: `bus-unavailable`, or `cannot-start` where the gateway lacks the password of the user who may erase.
        """
        await self._sealed.erase_answered(time.time() - self._kept_seconds)

    async def look_over(self) -> None:
        """Read all requests, so that those which cannot be read are known before somebody looks for them.

        Raises:
            Refusal: `bus-unavailable`.
        """
        await self._sealed.of_agency("")

    def damaged_numbers(self) -> list[str]:
        """Return the numbers of the requests that could not be read when they were last looked at."""
        return sorted(self._sealed.damaged)


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
