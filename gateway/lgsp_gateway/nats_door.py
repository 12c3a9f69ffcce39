"""The second door: NATS asks a gateway who may connect (auth callout), and the same verifier answers as at the HTTP door.

An adapter connects with its access token. It becomes a user that may serve the subjects of the services its system
provides, announce them, reply to what it is asked, and nothing else; the server itself refuses the rest, and closes the
connection when the token expires. When a system or its services change, its connections are closed, and it comes back
with what it may do now.
"""

import contextlib
import time

import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_auth.nats_jwt import AccountKey, CalloutRequest
from lgsp_auth.tokens import Identity, Verifier
from lgsp_gateway.registry.state import Registry
from lgsp_problems import Refusal
from lgsp_process.background import Background
from lgsp_process.security import SecurityLog

ACCOUNT = "LGSP"
SUBJECT = "$SYS.REQ.USER.AUTH"


class NatsDoor:
    """Answers authorization requests of the NATS servers."""

    def __init__(
        self, verifier: Verifier, registry: Registry, key: AccountKey, security: SecurityLog, background: Background
    ) -> None:
        self._verifier = verifier
        self._registry = registry
        self._key = key
        self._security = security
        self._background = background
        self._kicker: Client | None = None
        self._connections: dict[str, dict[tuple[str, str], tuple[str, ...]]] = {}

    async def start(self, connection: Client, system_connection: Client | None) -> None:
        """Answer from now on. All gateways share the requests.

        Args:
            system_connection: in the system account, to close connections with; without it they end with their token.
        """
        self._kicker = system_connection
        self._registry.on_change(self._changed)
        answer = self._background.heard("nats door", self._answer)
        await connection.subscribe(SUBJECT, queue="gateways", cb=answer)
        await connection.flush()

    async def _answer(self, message: Msg) -> None:
        try:
            request = CalloutRequest(message.data)
        except ValueError:
            return
        now = time.time()
        try:
            identity = self._verifier.verify(f"Bearer {request.auth_token}" if request.auth_token else None, now)
            subjects = self._subjects(identity)
        except Refusal as refusal:
            structlog.get_logger().info("nats door refused", reason=refusal.detail.en)
            reason = {"event__reason": refusal.code}
            self._security.event("connection-refused", "failure", "authentication", refusal.detail.en, **reason)
            await message.respond(self._key.response(request, "", refusal.detail.en, now))
            return
        user = self._key.user(request.nkey, ACCOUNT, identity.system, subjects, now, identity.expires)
        self._connections.setdefault(identity.system, {})[request.server, request.client] = subjects
        await message.respond(self._key.response(request, user, "", now))

    def _subjects(self, identity: Identity) -> tuple[str, ...]:
        """What a system may subscribe to.

        Raises:
            Refusal: `token-invalid`, when the system is not registered.
        """
        if identity.system not in self._registry.systems:
            raise Refusal("token-invalid", vi="Hệ thống không còn đăng ký.", en="The system is not registered.")
        services = self._registry.provided_by(identity.system)
        if not services:
            return ()
        own = [f"svc.{service}.>" for service in services]
        announced = [f"$SRV.*.{service}{rest}" for service in services for rest in ("", ".*")]
        return (*own, "$SRV.*", *announced)

    def _changed(self, kind: str, name: str) -> None:
        """Close the connections whose user is not what it would be now."""
        for system in (name,) if kind == "System" else tuple(self._connections) if kind == "Service" else ():
            for (server, client), subjects in list(self._connections.get(system, {}).items()):
                try:
                    current = self._subjects(Identity(system, "", "", 0)) == subjects
                except Refusal:
                    current = False
                if not current:
                    del self._connections[system][server, client]
                    self._background.once("nats connection closed", self._kick(server, client))

    async def _kick(self, server: str, client: str) -> None:
        if self._kicker is None:
            return
        with contextlib.suppress(NatsError, OSError):
            await self._kicker.request(f"$SYS.REQ.SERVER.{server}.KICK", orjson.dumps({"cid": int(client)}), timeout=2)
