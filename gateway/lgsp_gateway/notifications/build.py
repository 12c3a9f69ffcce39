"""Opens the notifications of a gateway."""

import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from nats.aio.client import Client

from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.delivery.dead_letters.store import DeadLetters, LetterSelection
from lgsp_gateway.delivery.webhooks.egress_addresses import EgressAddresses
from lgsp_gateway.delivery.webhooks.egress_urls import EgressUrls
from lgsp_gateway.delivery.webhooks.sealed_secrets import SealedSecrets
from lgsp_gateway.delivery.webhooks.sender import WebhookSender
from lgsp_gateway.notifications.ledger import NotificationLedger
from lgsp_gateway.notifications.mail import MailSender
from lgsp_gateway.notifications.notifier import ROUND_SECONDS, Notifier
from lgsp_gateway.notifications.occasions import Sources
from lgsp_gateway.notifications.webhook import NotificationWebhooks
from lgsp_gateway.sessions.store import PeopleStore
from lgsp_problems import Text
from lgsp_runtime.background import Background
from lgsp_runtime.listed_networks import parse_networks

NEWEST_LETTERS = 500
_SECRET = "notifications"  # noqa: S105 - the name of the secret
ROUND_LIMIT = 600.0
"""Seconds that a round may take."""


@dataclass(frozen=True, slots=True)
class Notifications:
    """What the management API shows and changes."""

    notifier: Notifier
    people: PeopleStore
    urls: EgressUrls
    secrets: SealedSecrets
    sender: WebhookSender
    ledger: NotificationLedger
    mail: MailSender | None

    def checks(self) -> Mapping[str, Callable[[], Awaitable[Text | None]]]:
        """Return the check of the mail server by the name under which `lgsp doctor` shows it; none where there is no server."""
        return {"mail": self.mail.check} if self.mail else {}

    def seal(self, person: str, secret: str) -> str:
        """Return the secret of a person's webhook as it is stored."""
        return self.secrets.seal(secret, person, _SECRET)


def create_notifications(
    settings: GatewaySettings,
    keys: Callable[[], Sequence[bytes]],
    people: PeopleStore,
    sources: Sources,
    tls: ssl.SSLContext,
) -> Notifications:
    """Put the parts together; nothing is started.

    Args:
        keys: encrypt the secrets of people's webhooks.
        tls: of connections to webhooks.

    Raises:
        Refusal: `cannot-start`.
    """
    addresses, secrets = EgressAddresses(parse_networks(settings.webhook_networks)), SealedSecrets(keys)
    sender = WebhookSender(addresses, tls)
    mail = None
    if settings.smtp:
        mail = MailSender(settings.smtp, settings.smtp_password_file, settings.mail_sender, settings.domain)

    def open_secret(person: str, sealed: str) -> str | None:
        return secrets.open(sealed, person, _SECRET)

    ledger = NotificationLedger(settings.name)
    notifier = Notifier(
        sources,
        people,
        ledger,
        mail,
        NotificationWebhooks(sender, settings.public_url),
        open_secret,
        settings.public_url,
        settings.notification_minutes * 60,
    )
    return Notifications(notifier, people, EgressUrls(addresses), secrets, sender, ledger, mail)


async def open_notifications(
    stack: AsyncExitStack,
    settings: GatewaySettings,
    keys: Callable[[], Sequence[bytes]],
    tls: ssl.SSLContext,
    connection: Client,
    people: PeopleStore,
    sources: Sources,
    background: Background,
) -> Notifications:
    """Tell people in the background from now on.

    Args:
        stack: closes the connections.
        keys: encrypt the secrets of people's webhooks.
        tls: of connections to people's webhooks.

    Raises:
        Refusal: `cannot-start`.
    """
    notifications = create_notifications(settings, keys, people, sources, tls)
    stack.push_async_callback(notifications.sender.close)
    await notifications.ledger.start(connection, settings.replicas)
    work = notifications.notifier.round
    background.run_every("notifications", ROUND_SECONDS, work, within=ROUND_LIMIT, at_once=False)
    return notifications


async def count_dead_letters(letters: DeadLetters) -> Mapping[str, int]:
    """Count the dead letters that wait, by owner, among the newest.

    Raises:
        Refusal: `bus-unavailable`.
    """
    found, _ = await letters.list(LetterSelection(), 0, NEWEST_LETTERS)
    counts: dict[str, int] = {}
    for stored in found:
        counts[stored.letter.owner] = counts.get(stored.letter.owner, 0) + 1
    return counts
