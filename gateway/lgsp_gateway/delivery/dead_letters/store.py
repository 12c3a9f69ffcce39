"""The dead letters of the bus, in `LGSP_DEAD`: buried by the lanes of messages and of subscriptions, and dealt with by people.

A letter that waits for a person has a subject of its own. Nobody may delete messages of a stream, so a letter that somebody dealt with is
replaced by an empty message that ends by itself; what is kept of it, without its payload, stands under another subject.

Whoever buries something acknowledges it in its own stream only after `bury` has returned: then it is on disk. To bury the same thing
again changes nothing, so a lane that was killed in between may do it twice.
"""

import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Protocol

from nats.aio.client import Client

from lgsp_gateway.delivery.dead_letters.letter import DeadLetter, Decider, Kind, Resolution
from lgsp_gateway.delivery.dead_letters.unreadable_letter import unreadable_letter
from lgsp_gateway.delivery.storage.batch import TTL
from lgsp_gateway.delivery.storage.group_commit import GroupCommit, NewMessage, Stored
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.delivery.storage.stored_bytes import StoredBytes
from lgsp_gateway.delivery.stored_messages import StoredMessage, StoredMessages
from lgsp_gateway.delivery.streams import DEAD, OWNER, resolved_subject
from lgsp_problems import NotFound, Refusal, RevisionConflict

RESOLVED_RETENTION_SECONDS = 30 * 86_400
"""How long it is known what became of a dead letter."""
MAX_SUBJECTS = 8
"""Owners whose letters are looked for one by one; of more, among those of everybody."""
_REPLACED_SECONDS = 1
"""The least that JetStream takes as the life of a message."""

Redelivery = Callable[[DeadLetter, bytes, Decider], Awaitable[None]]
"""Puts a letter and its payload back to where it is delivered from, durably, and writes the evidence of who decided that. It may be called
twice for the same letter (after a crash) and must then count once: the letter's `round` tells them apart. Raises `Refusal` where that
is not possible, such as for a subscription that has ended."""
Ending = Callable[[DeadLetter, str], Awaitable[None]]
"""Records that somebody gave a letter up, in the evidence and wherever else that shows. It may be called twice."""


Reading = Callable[[DeadLetter, bytes, str], Awaitable[bytes]]
"""Returns the payload as the owner of the letter may see it now, after it has written into the evidence who looked. Raises `Refusal` where
that cannot be written, or the owner may not see it any more."""


class Burial(Protocol):
    """Takes what cannot be delivered."""

    async def bury(self, letter: DeadLetter, payload: bytes) -> None:
        """Keep something that could not be delivered; it is on disk when this returns.

        Raises:
            Refusal: `bus-unavailable`; then it must not be acknowledged.
        """

    async def knows(self, letter: DeadLetter) -> bool:
        """Tell whether a letter was buried, whatever somebody has decided about it since.

        Raises:
            Refusal: `bus-unavailable`.
        """

    async def waiting(self, subject: str, number: int) -> DeadLetter | None:
        """Return a letter that waits for a person; None where there is none, or it is of another round.

        Args:
            subject: `DeadLetter.subject`.
            number: its round.

        Raises:
            Refusal: `bus-unavailable`.
        """

    async def withdraw(self, letter: DeadLetter) -> None:
        """Take back a letter that nobody has dealt with, since what it was for came to another end. To do it again changes nothing.

        Raises:
            Refusal: `bus-unavailable`.
        """


@dataclass(frozen=True, slots=True)
class Handling:
    """What happens to a letter of one kind when somebody deals with it. Each is also told who that is, as the evidence names principals."""

    redeliver: Redelivery
    end: Ending
    read: Reading


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A letter as it is stored. `revision` is its sequence in the stream."""

    letter: DeadLetter
    revision: int
    size: int


@dataclass(frozen=True, slots=True)
class LetterSelection:
    """Which dead letters are listed.

    Args:
        owners: the systems whose; None for everybody's.
        kind, service, reason: only those; "" for all.
        resolved: those that somebody dealt with, in place of those that wait.
    """

    owners: Collection[str] | None = None
    kind: str = ""
    service: str = ""
    reason: str = ""
    resolved: bool = False

    def includes(self, letter: DeadLetter) -> bool:
        """Tell whether a letter is listed."""
        return (
            (self.owners is None or letter.owner in self.owners)
            and self.kind in ("", letter.kind)
            and self.service in ("", letter.service)
            and self.reason in ("", letter.reason.code)
            and self.resolved == bool(letter.resolution)
        )


class DeadLetters(Burial):
    """What could not be delivered.

    `handlings` says for each kind what happens when somebody deals with a letter.

    Args:
        stored_bytes: counts what is kept of each agency.
    """

    def __init__(self, dead: GroupCommit, connection: Client, cipher: PayloadCipher, stored_bytes: StoredBytes) -> None:
        self._dead = dead
        self._stored_bytes = stored_bytes
        self._stored = StoredMessages(connection, DEAD, cipher)
        self.handlings: dict[Kind, Handling] = {}

    async def bury(self, letter: DeadLetter, payload: bytes) -> None:
        """Keep a letter; see `Burial`."""
        while True:
            known = await self._stored.last(letter.subject)
            if await self._is_buried(letter, known):
                return
            try:
                await self._write(letter, payload, known.sequence if known else 0)
            except RevisionConflict:  # another gateway buries it too
                continue
            self._stored_bytes.add_dead_letter(letter.owner, len(payload))
            return

    async def knows(self, letter: DeadLetter) -> bool:
        """Tell whether a letter was buried; see `Burial`."""
        return await self._is_buried(letter, await self._stored.last(letter.subject))

    async def _is_buried(self, letter: DeadLetter, known: StoredMessage | None) -> bool:
        resolved = await self._stored.last(resolved_subject(letter.subject))
        buried = [DeadLetter.parse(one.payload)[0] for one in (known, resolved) if one and one.payload]
        return any(one.occasion >= letter.occasion for one in buried)

    async def waiting(self, subject: str, number: int) -> DeadLetter | None:
        """Return a letter that waits for a person; see `Burial`."""
        stored = await self._stored.last(subject)
        if (
            stored and stored.is_damaged
        ):  # of whatever round: to deliver what a person may be deciding about would do harm
            return replace(unreadable_letter(stored), round=number)
        letter = DeadLetter.parse(stored.payload)[0] if stored and stored.payload else None
        return letter if letter and letter.round == number else None

    async def withdraw(self, letter: DeadLetter) -> None:
        """Take a letter back; see `Burial`."""
        stored = await self._stored.last(letter.subject)
        known = DeadLetter.parse(stored.payload)[0] if stored and stored.payload else None
        if stored is None or known is None or known.round != letter.round or known.resolved_by:
            return
        try:
            await self._end(letter, stored.sequence)
        except RevisionConflict:  # somebody deals with it at this moment, and finds what its message came to
            return

    async def find(self, letter_id: str, owners: Collection[str] | None) -> tuple[StoredLetter, bytes]:
        """Return a letter and its payload.

        Args:
            letter_id: `DeadLetter.id`.
            owners: the systems of which it must be one's; None for anybody's.

        Raises:
            Refusal: `not-found` or `bus-unavailable`.
        """
        subscription, _, message = letter_id.rpartition(".")
        subject = f"dead.event.{subscription}.{message}" if subscription else f"dead.message.*.*.{message}"
        newest = await self._newest(subject)
        if newest is not None and (owners is None or newest[0].letter.owner in owners):
            return newest
        raise NotFound(
            vi="Không có thông điệp không giao được mang mã này, hoặc thông điệp không phải của hệ thống gọi; hãy xem danh sách ở /dead-letters.",
            en="There is no such dead letter, or it is not of the calling system; see the list at /dead-letters.",
        )

    async def _newest(self, subject: str) -> tuple[StoredLetter, bytes] | None:
        stored = await self._stored.last(subject)
        if stored and stored.is_damaged:
            return StoredLetter(unreadable_letter(stored), stored.sequence, 0), b""
        if stored is None or not stored.payload:
            stored = await self._stored.last(resolved_subject(subject))
        if stored is None or stored.is_damaged:
            return None
        letter, payload = DeadLetter.parse(stored.payload)
        return StoredLetter(letter, stored.sequence, len(payload)), payload

    async def newest(self, subject: str) -> StoredLetter | None:
        """Return the letter that waits under a subject, or the last one that somebody dealt with; None where there is none.

        Args:
            subject: `DeadLetter.subject`.

        Raises:
            Refusal: `bus-unavailable`.
        """
        newest = await self._newest(subject)
        return newest[0] if newest else None

    async def extend(self, known: StoredLetter, letter: DeadLetter) -> None:
        """Put a letter that tells of more in the place of one that waits.

        Raises:
            RevisionConflict: somebody has changed it, or dealt with it.
            Refusal: `bus-unavailable`.
        """
        await self._write(letter, b"", known.revision)

    async def list(self, selection: LetterSelection, before: int, limit: int) -> tuple[list[StoredLetter], int]:
        """List letters, the newest first.

        Args:
            before: where the page begins, as the page before said it; 0 for the first.

        Returns:
            The page, and where the next one begins: 0 where there are no more.

        Raises:
            Refusal: `bus-unavailable`.
        """

        def selected(message: StoredMessage) -> StoredLetter | None:
            if message.is_damaged and not selection.resolved:
                letter, payload = unreadable_letter(message), b""
            elif not message.payload:
                return None
            else:
                letter, payload = DeadLetter.parse(message.payload)
            return StoredLetter(letter, message.sequence, len(payload)) if selection.includes(letter) else None

        pages = [await self._stored.newest(one, before, limit, selected) for one in _subjects_of(selection)]
        found = sorted((item for page in pages for item in page.items), key=lambda item: item[0], reverse=True)
        # A page that stopped early hides what is older than its end; so nothing older is shown before the next page.
        end = max(page.before for page in pages)
        shown = [item for item in found if item[0] >= end][:limit]
        if len(shown) < len([item for item in found if item[0] >= end]):
            end = shown[-1][0]
        return [letter for _, letter in shown], end

    async def read_payload(self, stored: StoredLetter, payload: bytes, by: str) -> bytes:
        """Return the payload of a letter as its owner may see it; that somebody looked is in the evidence then.

        Args:
            by: who looks.

        Raises:
            Refusal: `step-not-allowed`, where somebody has dealt with it, or its content is damaged; `evidence-unavailable`.
        """
        letter = _with_content(_unresolved(stored.letter))
        return await self.handlings[letter.kind].read(letter, payload, by)

    async def retry(self, stored: StoredLetter, payload: bytes, by: Decider) -> DeadLetter:
        """Have a letter delivered again, with a new deadline.

        Args:
            by: who wants that.

        Raises:
            Refusal: `step-not-allowed`, where somebody has dealt with it, or its content is damaged; what its redelivery refuses; `bus-unavailable`.
        """
        _with_content(_unresolved(stored.letter))
        stored = await self._claim(stored, payload, by.name)
        await self.handlings[stored.letter.kind].redeliver(stored.letter, payload, by)
        return await self._resolve(stored, "retried", by.name)

    async def give_up(self, stored: StoredLetter, payload: bytes, by: str, note: str) -> DeadLetter:
        """End a letter for good.

        Args:
            by: who wants that.
            note: why.

        Raises:
            Refusal: `step-not-allowed`, where somebody has dealt with it; `bus-unavailable`.
        """
        stored = await self._claim(stored, payload, by)
        await self.handlings[stored.letter.kind].end(stored.letter, by)
        return await self._resolve(stored, "given-up", by, note)

    async def count(self) -> int:
        """Return how many letters wait for a person.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return sum([await self._stored.count(f"dead.{kind}.>") for kind in ("message", "event")])

    async def revision(self) -> int:
        """Return a number that rises with each letter that comes, and each that somebody deals with.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return await self._stored.last_sequence()

    async def _claim(self, stored: StoredLetter, payload: bytes, by: str) -> StoredLetter:
        """Note who deals with a letter, so that of two people at the same time one does."""
        letter = replace(_unresolved(stored.letter), resolved_by=by)
        try:
            written = await self._write(letter, payload, stored.revision)
        except RevisionConflict as error:
            raise _already_resolved() from error
        return replace(stored, letter=letter, revision=written.sequence)

    async def _resolve(self, stored: StoredLetter, resolution: Resolution, by: str, note: str = "") -> DeadLetter:
        letter = stored.letter.resolve(resolution, int(time.time() * 1000), by, note)
        kept = NewMessage(
            resolved_subject(letter.subject), letter.serialize(b""), {TTL: str(RESOLVED_RETENTION_SECONDS)}
        )
        await self._dead.publish(kept)
        try:
            await self._end(letter, stored.revision)
        except RevisionConflict as error:
            if not await self._died_again(letter):
                raise _already_resolved() from error
        return letter

    async def _end(self, letter: DeadLetter, revision: int) -> None:
        """Put a message that ends by itself in the place of a letter."""
        await self._dead.publish(NewMessage(letter.subject, b"", {TTL: str(_REPLACED_SECONDS)}, expected_last=revision))

    async def _died_again(self, letter: DeadLetter) -> bool:
        """Tell whether the letter of a later round has taken the place of one that was just retried."""
        stored = await self._stored.last(letter.subject)
        if stored is None or not stored.payload:
            return False
        return DeadLetter.parse(stored.payload)[0].round > letter.round

    async def _write(self, letter: DeadLetter, payload: bytes, replaced: int) -> Stored:
        headers = {OWNER: letter.owner}
        return await self._dead.publish(
            NewMessage(letter.subject, letter.serialize(payload), headers, expected_last=replaced)
        )


def _subjects_of(selection: LetterSelection) -> list[str]:
    owners = selection.owners if selection.owners is not None and len(selection.owners) <= MAX_SUBJECTS else ["*"]
    messages = [f"dead.message.{selection.service or '*'}.{owner}.*" for owner in sorted(owners)]
    events = ["dead.event.*.*"]
    subjects = {"": [*messages, *events], "message": messages}.get(selection.kind, events)
    return [resolved_subject(one) for one in subjects] if selection.resolved else subjects


def _with_content(letter: DeadLetter) -> DeadLetter:
    if letter.is_damaged:
        raise Refusal(
            "step-not-allowed",
            vi="Nội dung của thông điệp không giao được này đã hỏng trên đĩa nên không đọc hay gửi lại được; hãy đề nghị bên gửi gửi lại, rồi ngừng giao thông điệp này (give-up).",
            en="The content of this dead letter was damaged on disk, so it can be neither read nor delivered; have its sender send it again, then give the letter up.",
        )
    return letter


def _unresolved(letter: DeadLetter) -> DeadLetter:
    if letter.resolution:
        raise _already_resolved()
    return letter


def _already_resolved() -> Refusal:
    return Refusal(
        "step-not-allowed",
        vi="Thông điệp không giao được này đã được cho gửi lại hoặc đã ngừng giao; hãy xem lại trạng thái của thông điệp.",
        en="This dead letter was retried or given up already; look at its state again.",
    )
