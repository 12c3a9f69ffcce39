"""The requests of citizens as they are stored: encrypted, under keys that name nobody, each read on its own.

One that cannot be read must not hide the others from those who have to answer them. Its number and its agency stand in its key, so it is
listed as damaged, logged once with its key, and counted for the health check.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import orjson
import structlog

from lgsp_gateway.citizens.requests import CitizenRequest, DamagedRequest
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher, UnreadablePayloadError
from lgsp_gateway.sessions import buckets
from lgsp_gateway.sessions.store import PeopleStore
from lgsp_runtime.error_frames import frames

ASKED: Final = "asked"
REPLIED: Final = "replied"
"""The first reply, before the answer."""
ANSWERED: Final = "answered"

_UNREADABLE = (UnreadablePayloadError, ValueError, KeyError, TypeError)
"""What reading raises: another key or changed bytes, no JSON or base64, a document of another form."""


class Found(NamedTuple):
    """Requests that were looked for; those that cannot be read beside the others."""

    requests: list[CitizenRequest]
    damaged: list[DamagedRequest]


class SealedRequests:
    """Writes and reads the stored parts of requests.

    Args:
        people: the open store, in whose bucket they are kept.
        cipher: encrypts them.
        alias_of: returns another pseudonym for a citizen's pseudonym, so that the keys of the bucket cannot be compared with the evidence.
        working_days: in which a request has to be answered.
    """

    def __init__(
        self, people: PeopleStore, cipher: PayloadCipher, alias_of: Callable[[str], str], working_days: int
    ) -> None:
        self._people = people
        self._cipher = cipher
        self._alias_of = alias_of
        self._working_days = working_days
        self.damaged: frozenset[str] = frozenset()
        """The numbers of those that could not be read when they were last looked at."""

    async def create(self, request: CitizenRequest, part: str, document: Mapping[str, Any]) -> bool:
        """Store a part of a request; tell whether there was none yet.

        Raises:
            Refusal: `bus-unavailable`.
        """
        key = f"citizen-request.{_hex(request.agency)}.{self._alias_of(request.citizen)}.{request.number}.{part}"
        sealed = self._cipher.encrypt(key, orjson.dumps(document))
        return await buckets.replace(self._people.bucket, key, {"sealed": base64.b64encode(sealed).decode()}, 0)

    async def of_citizen(self, citizen: str) -> Found:
        """Find the requests of a citizen.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return await self._find(f"*.{self._alias_of(citizen)}.*")

    async def of_agency(self, agency: str) -> Found:
        """Find the requests to an agency, or all for "".

        Raises:
            Refusal: `bus-unavailable`.
        """
        found = await self._find(f"{_hex(agency) if agency else '*'}.*.*")
        if not agency:
            self.damaged = frozenset(one.number for one in found.damaged)  # what was erased meanwhile is forgotten
        return found

    async def count_waiting(self, agency: str) -> int:
        """Count the requests to an agency that are not answered; their keys say so, none is opened.

        Raises:
            Refusal: `bus-unavailable`.
        """
        parts: dict[str, set[str]] = {}
        for key in await self._people.keys(f"citizen-request.{_hex(agency)}.*.*.*"):
            request, _, part = key.rpartition(".")
            parts.setdefault(request, set()).add(part)
        return sum(ASKED in known and ANSWERED not in known for known in parts.values())

    async def numbered(self, number: str) -> Found:
        """Find the request of a number.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return await self._find(f"*.*.{number}")

    async def erase_answered(self, before: float) -> None:
        """Erase the requests that were answered before a time; their bytes are overwritten on disk.

        Of an answer that cannot be read counts when the server stored it: damage keeps nothing of a citizen for ever.

        Args:
            before: seconds since 1970.

        Raises:
            Refusal: `bus-unavailable`, or `cannot-start` where the gateway lacks the password of the user who may erase.
        """
        stored = await self._people.values(f"citizen-request.*.*.*.{ANSWERED}")
        for key, value in stored.items():
            try:
                answered = float(self._open(key, value)["at"])
            except _UNREADABLE as error:
                self._note_damage(key, error)
                answered = await self._people.stored_at(key)
            if answered <= before:
                request = key.removesuffix(ANSWERED)
                for part in (ASKED, REPLIED):  # first: what is left is found again
                    await self._people.erase(f"{request}{part}")
                await self._people.erase(key)

    async def _find(self, pattern: str) -> Found:
        parts: dict[str, dict[str, bytes]] = {}
        for key, value in (await self._people.values(f"citizen-request.{pattern}.*")).items():
            request, _, part = key.rpartition(".")
            parts.setdefault(request, {})[part] = value
        found = Found([], [])
        for request, stored in parts.items():
            if ASKED not in stored:  # it is being erased
                continue
            readable = self._read(request, stored)
            if readable is not None:
                found.requests.append(readable)
                self.damaged -= {readable.number}
            else:
                found.damaged.append(self._damaged(request, answered=ANSWERED in stored))
        return found

    def _read(self, request: str, stored: Mapping[str, bytes]) -> CitizenRequest | None:
        """Read a request from its parts; None where one cannot be read."""
        documents: dict[str, dict[str, Any]] = {}
        key = f"{request}.{ASKED}"
        try:
            for part, value in stored.items():
                key = f"{request}.{part}"
                documents[part] = self._open(key, value)
            return CitizenRequest.from_documents(documents[ASKED], documents.get(REPLIED), documents.get(ANSWERED))
        except _UNREADABLE as error:
            self._note_damage(key, error)
            return None

    def _open(self, key: str, stored: bytes) -> dict[str, Any]:
        sealed = base64.b64decode(orjson.loads(stored)["sealed"])
        document: dict[str, Any] = orjson.loads(self._cipher.decrypt(key, sealed))
        return document

    def _damaged(self, key: str, *, answered: bool) -> DamagedRequest:
        _, agency, _, number = key.split(".")
        return DamagedRequest.of_number(number, bytes.fromhex(agency).decode(), self._working_days, answered=answered)

    def _note_damage(self, key: str, error: Exception) -> None:
        number = key.split(".")[3]
        if number not in self.damaged:
            self.damaged |= {number}
            why = str(error) if isinstance(error, UnreadablePayloadError) else type(error).__name__
            structlog.get_logger().error(
                "citizen request unreadable", number=number, key=key, why=why, frames=frames(error)
            )


def _hex(agency: str) -> str:
    return agency.encode().hex()
