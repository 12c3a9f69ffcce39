"""Tells people what they chose to be told of, in rounds: one gateway at a time, each occasion once, again where it was not accepted."""

import secrets
import time
from collections.abc import Callable, Collection, Mapping

import structlog

from lgsp_gateway.notifications.choices import CHANNELS, Channel, Choices
from lgsp_gateway.notifications.digest import Digest, digest_of
from lgsp_gateway.notifications.ledger import Certificate, NotificationLedger, Told
from lgsp_gateway.notifications.mail import MailSender
from lgsp_gateway.notifications.metrics import NotificationMetrics
from lgsp_gateway.notifications.occasions import Occasion, Sources
from lgsp_gateway.notifications.webhook import NotificationWebhooks
from lgsp_gateway.registry.persons import principal_of_person
from lgsp_gateway.sessions.store import PeopleStore
from lgsp_problems import Refusal, Text
from lgsp_runtime.error_frames import frames

ROUND_SECONDS = 2.0
_STANDBY_SECONDS = 10.0
"""How long a gateway leaves the sending to another one before it looks whether that one still does."""
_LONGEST_PAUSE = 30.0
"""Seconds after which a round looks at everything again where the registry has not changed."""
_TEST = Text("Đây là thông báo thử; địa chỉ này nhận được.", "This is a test notification; this address receives.")


class Notifier:
    """Sends notifications.

    Args:
        mail: None where no mail server is configured.
        open_secret: returns a person's webhook secret, given their id and the sealed one; None where it cannot be read.
        url: of the bus, as people's browsers reach it.
        quiet_seconds: between two messages to one person by one channel; what comes meanwhile is in the next.
    """

    def __init__(
        self,
        sources: Sources,
        people: PeopleStore,
        ledger: NotificationLedger,
        mail: MailSender | None,
        webhooks: NotificationWebhooks,
        open_secret: Callable[[str, str], str | None],
        url: str,
        quiet_seconds: float,
    ) -> None:
        self._sources = sources
        self._people = people
        self._ledger = ledger
        self._mail = mail
        self._webhooks = webhooks
        self._open_secret = open_secret
        self._url = url
        self._quiet = quiet_seconds
        self.has_mail = mail is not None
        self.metrics = NotificationMetrics()
        self._seen = (-1, -1)
        self._due = 0.0
        self._standby_until = 0.0

    async def round(self) -> None:
        """Tell everybody what there is to tell now, if this gateway is the one that does.

        Raises:
            Refusal: `bus-unavailable`.
        """
        now = time.time()
        if now < self._standby_until:
            return
        await self._ledger.note_certificates(self._sources.certificates())
        if not await self._ledger.hold():
            self._standby_until = now + _STANDBY_SECONDS
            return
        seen = (self._sources.registry.revision, await self._ledger.choices_revision())
        if seen == self._seen and now < self._due:
            return
        self._seen, self._due = seen, now + _LONGEST_PAUSE
        certificates = await self._ledger.certificates()
        for person in await self._people.notified():
            if not await self._ledger.hold():
                return
            try:
                choices = await self._people.notification_choices(person)
                if choices:
                    await self._tell(person, Choices.from_document(choices), certificates)
            except Refusal:  # the bus is away: for everybody
                raise
            except Exception as error:  # an error of our own with one person must not keep the others from being told
                structlog.get_logger().error("person not notified", person=person, frames=frames(error))

    async def test(self, person: str, choices: Choices) -> dict[Channel, str]:
        """Send a test to each of a person's addresses.

        Returns:
            By channel why it was not accepted; empty where it was.
        """
        occasion = Occasion("health", "test", _TEST, "/access/notifications")
        digest = digest_of(f"test-{secrets.token_hex(8)}", [occasion], choices.language, self._url)
        return {
            channel: await self._send(person, choices, channel, digest)
            for channel in CHANNELS
            if choices.address(channel)
        }

    async def _tell(self, person: str, choices: Choices, certificates: Collection[Certificate]) -> None:
        known = self._sources.registry.persons.get(person)
        if known is None or known.phase != "active":
            return
        now = time.time()
        found = await self._sources.occasions(principal_of_person(known), choices.kinds, now, certificates)
        current, told = {one.id: one for one in found}, await self._ledger.read(person)
        for channel in CHANNELS:
            if choices.address(channel):
                await self._tell_by(channel, person, choices, current, told)

    async def _tell_by(
        self,
        channel: Channel,
        person: str,
        choices: Choices,
        current: Mapping[str, Occasion],
        told: dict[str, Told],
    ) -> None:
        state, now = told.setdefault(channel, Told()), time.time()
        state.sent = [one for one in state.sent if one in current]
        if not state.pending:
            new = [one for one in current if one not in state.sent]
            if not new or now < state.quiet_until:
                return
            state.begin(f"notification-{secrets.token_hex(16)}", new)
            await self._ledger.write(person, told)
        if now < state.due:
            return
        occasions = [current[one] for one in state.occasions if one in current]
        fault = ""
        if occasions:
            digest = digest_of(state.pending, occasions, choices.language, self._url)
            fault = await self._send(person, choices, channel, digest)
        if fault:
            structlog.get_logger().warning("notification not accepted", channel=channel, person=person, error=fault)
            state.fail(now)
            self._due = min(self._due, state.due)
        else:
            state.succeed(now + self._quiet if occasions else 0.0)
        await self._ledger.write(person, told)

    async def _send(self, person: str, choices: Choices, channel: Channel, digest: Digest) -> str:
        """Send by one channel; why it was not accepted, empty where it was."""
        fault = await self._attempt(person, choices, channel, digest)
        self.metrics.count(channel, fault)
        return fault

    async def _attempt(self, person: str, choices: Choices, channel: Channel, digest: Digest) -> str:
        if channel == "email":
            return await self._mail.send(choices.email, digest) if self._mail else "no-mail-server"
        secret = self._open_secret(person, choices.secret)
        if secret is None:
            return "no-secret"
        return await self._webhooks.send(person, choices.webhook, secret, digest)
