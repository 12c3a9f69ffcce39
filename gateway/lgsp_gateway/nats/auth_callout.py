"""Who may connect to NATS: its servers ask a gateway (auth callout), and the verifier of the HTTP server answers.

An adapter connects with its access token. It becomes a user that may serve the subjects of the services that its system
provides and that are in force, announce them, publish their events, reply to what it is asked, ask for permits of the limits of its own system, and
nothing else; the server itself refuses the rest, and closes the connection when the token expires. The name of the user holds a digest of what it may do and the key that
signed its token, so that `rights.py` finds the connections that may do too much.
"""

import hashlib
import time

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from lgsp_auth.nats_jwt import AccountKey, CalloutRequest
from lgsp_auth.tokens import Verifier
from lgsp_contracts import adapter_control, event_replies, provider_limit, watch_state, wire, wire_events
from lgsp_contracts.names import SystemName
from lgsp_gateway.calls.auth_failure_limiter import AuthFailureLimiter
from lgsp_gateway.keys.removed_keys import key_id
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.security_events import SecurityLog

ACCOUNT = "LGSP"
SUBJECT = "$SYS.REQ.USER.AUTH"
DISCOVERY_SUBJECTS = ("$SRV.PING", "$SRV.INFO", "$SRV.STATS")
"""What the NATS services protocol asks."""
_DIGEST_DIGITS = 16
_KEY_SEPARATOR = "."
"""Stands before the key in the name of a user."""


class NatsAuthCallout:
    """Answers authorization requests of the NATS servers."""

    def __init__(
        self,
        verifier: Verifier,
        registry: RegistrySnapshot,
        key: AccountKey,
        security: SecurityLog,
        background: Background,
    ) -> None:
        self._verifier = verifier
        self._registry = registry
        self._key = key
        self._security = security
        self._failures = AuthFailureLimiter()
        self._background = background

    async def start(self, connection: Client) -> None:
        """Answer from now on. All gateways share the requests."""
        answer = self._background.guard("nats auth callout", self._on_request)
        await connection.subscribe(SUBJECT, queue="gateways", cb=answer)
        await connection.flush()

    async def _on_request(self, message: Msg) -> None:
        try:
            request = CalloutRequest(message.data)
        except ValueError:
            return
        now = time.time()
        authorization = f"Bearer {request.auth_token}" if request.auth_token else None
        if not (self._failures.may_try(request.address) or self._verifier.remembers(authorization)):
            # The server asks one after the other here, so others do not wait with whoever came too often.
            self._background.run_once("nats auth callout: delayed refusal", self._refuse_after_delay(message, request))
            return
        try:
            identity = self._verifier.verify(authorization, now)
            system = SystemName(identity.system)
            subjects = subscribable_subjects(self._registry, system)
            published = publishable_subjects(self._registry, system)
        except Refusal as refusal:
            self._failures.record_failure(request.address)
            await self._refuse(message, request, refusal)
            return
        user = self._key.user(
            request.nkey,
            ACCOUNT,
            f"{nats_user_name(self._registry, system)}{_KEY_SEPARATOR}{key_id(identity.issuer, identity.key)}",
            subjects,
            published,
            now,
            identity.expires,
        )
        await message.respond(self._key.response(request, user, "", now))

    async def _refuse_after_delay(self, message: Msg, request: CalloutRequest) -> None:
        refusal = await self._failures.delayed_refusal()
        await message.respond(self._key.response(request, "", refusal.detail.en, time.time()))

    async def _refuse(self, message: Msg, request: CalloutRequest, refusal: Refusal) -> None:
        structlog.get_logger().info("nats connection refused", reason=refusal.detail.en)
        known = {"event__reason": refusal.code, "source__ip": request.address}
        self._security.event("connection-refused", "failure", "authentication", refusal.detail.en, **known)
        await message.respond(self._key.response(request, "", refusal.detail.en, time.time()))


def subscribable_subjects(registry: RegistrySnapshot, system: SystemName) -> tuple[str, ...]:
    """Return the subjects that a system may subscribe to: the services in force that it provides, what announces them, and what gateways
    tell its adapters.

    Raises:
        Refusal: `token-invalid`, when the system is not registered.
    """
    if system not in registry.systems:
        raise Refusal("token-invalid", vi="Hệ thống không còn đăng ký.", en="The system is not registered.")
    provided = registry.services.provided_by(system)
    if not provided:
        return ()
    own = [f"{prefix(service, major)}>" for prefix in (wire.prefix, wire.trial_prefix) for service, major in provided]
    services = sorted({service for service, _ in provided})
    # A server takes `$SRV.>` for one of `$SRV.*` (nats-server 2.15), which hears what others are asked; so each verb is named.
    announced = [
        f"{verb}.{service}{rest}" for verb in DISCOVERY_SUBJECTS for service in services for rest in ("", ".*")
    ]
    inbox_prefixes = (provider_limit.reply_prefix, watch_state.reply_prefix, event_replies.reply_prefix)
    inboxes = (f"{prefix(system)}>" for prefix in inbox_prefixes)
    return (*own, *DISCOVERY_SUBJECTS, *announced, adapter_control.subject(system, "*"), *inboxes)


def publishable_subjects(registry: RegistrySnapshot, system: SystemName) -> tuple[str, ...]:
    """Return the subjects that a system may publish to beside its replies: where it asks for permits of a provider's limit and for the
    state of what it watches, and the events of the services in force that it provides."""
    provided = registry.services.provided_by(system)
    if not provided:
        return ()
    events = [
        wire_events.event_subject(service, major, event)
        for service, major in provided
        for event in registry.services.events_of(service, major)
    ]
    return (provider_limit.request_subject(system), watch_state.request_subject(system), *events)


def nats_user_name(registry: RegistrySnapshot, system: SystemName) -> str:
    """Return the name of the NATS user that a system becomes, without its key: it changes with what the user may do, and with
    which tokens count.

    Raises:
        Refusal: `token-invalid`, when the system is not registered.
    """
    subjects = (*subscribable_subjects(registry, system), *publishable_subjects(registry, system))
    tokens = registry.generation(system)
    digest = hashlib.sha256("\n".join((*subjects, *map(str, tokens))).encode()).hexdigest()
    return f"{system}@{digest[:_DIGEST_DIGITS]}"


def split_key(user: str) -> tuple[str, str]:
    """Split the name of a NATS user into what it may do, and the `key_id` of the key that signed its token."""
    name, _, key = user.rpartition(_KEY_SEPARATOR)
    return name, key


def system_of_user(user: str) -> SystemName:
    """Return the system behind a NATS user; "" where it is one of the gateways' own."""
    system, at, _ = user.partition("@")
    return SystemName(system if at else "")
