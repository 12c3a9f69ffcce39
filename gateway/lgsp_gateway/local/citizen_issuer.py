"""A stand-in for the identity service of citizens (VNeID), so that the citizens' page of `lgsp up` can be seen with life.

It speaks real OpenID Connect (discovery, authorization code with PKCE), but asks for no password: whoever opens it chooses one of the
made-up citizens of the sandbox. So it listens on 127.0.0.1, signs in to a bus on this machine alone, and refuses any other. It runs
inside `lgsp up`, and no command starts it beside a bus that others use.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from lgsp_auth.signing_keys import ALGORITHM, KeyRing, SigningKey
from lgsp_gateway.local.citizen_issuer_page import page
from lgsp_problems import CannotStart
from lgsp_runtime.loopback import is_loopback

CLIENT: Final = "citizens-page"
CALLBACK: Final = "/my-data/callback"
"""The path of the bus that it sends browsers back to."""
CLAIM: Final = "so_dinh_danh"
HOST: Final = "127.0.0.1"
SECONDS: Final = 600
"""How long somebody may take to choose, and a code to be redeemed."""
MAX_PENDING: Final = 100
"""Sign-ins that have begun; the oldest one is forgotten."""


class DemoCitizen(NamedTuple):
    """A made-up citizen of the sandbox."""

    number: str
    name: str


class _SignIn(NamedTuple):
    """A sign-in that has begun, and after the choice whose it is."""

    asked: dict[str, str]
    until: float
    citizen: DemoCitizen | None = None


class CitizenIssuer:
    """The issuer, on a port of its own.

    Args:
        citizens: whom somebody may choose.
        bus: the address of the bus that it signs in to.

    Raises:
        CannotStart: the bus is reached from other machines.
    """

    def __init__(self, citizens: Sequence[DemoCitizen], bus: str) -> None:
        if not is_loopback(urlsplit(bus).hostname or ""):
            raise CannotStart(
                vi=f"Bên cấp định danh minh họa không hỏi mật khẩu nên chỉ dùng được với trục trên máy này, không với {bus}; hãy cấu hình bên cấp thật bằng --issuers.",
                en=f"The stand-in issuer of citizens asks for no password and serves a bus on this machine alone, not {bus}; configure a real issuer with --issuers.",
            )
        self._citizens = citizens
        self._bus = bus
        self._key = SigningKey.generate()
        self._pending: dict[str, _SignIn] = {}
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discover)
        app.router.add_get("/jwks", self._jwks)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_get("/choose", self._choose)
        app.router.add_post("/token", self._token)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self.url = f"http://{HOST}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    def configuration(self) -> dict[str, Any]:
        """Return what the file of `--issuers` says of it."""
        title = {"vi": "VNeID (bản minh họa)", "en": "VNeID (demonstration)"}
        entry = {
            "issuer": self.url,
            "audience": "lgsp",
            "algorithms": [ALGORITHM],
            "people": {"claim": CLAIM, "kind": "citizen"},
            "signIn": {"client": CLIENT, "title": title},
        }
        return {"issuers": [entry]}

    async def _discover(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/jwks",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def _jwks(self, _: web.Request) -> web.Response:
        return web.json_response(KeyRing([self._key]).jwks())

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        known = (asked.get("client_id"), asked.get("code_challenge_method")) == (CLIENT, "S256")
        returns = asked.get("redirect_uri") == f"{self._bus}{CALLBACK}"
        if not known or not returns or not {"state", "nonce", "code_challenge"} <= asked.keys():
            raise web.HTTPBadRequest(text="not a sign-in of this bus\n")
        begun = self._remember(_SignIn(asked, time.time() + SECONDS))
        links = [
            (f"/choose?{urlencode({'sign-in': begun, 'citizen': number})}", citizen.name, citizen.number)
            for number, citizen in enumerate(self._citizens)
        ]
        return page(links)

    async def _choose(self, request: web.Request) -> web.Response:
        begun, number = self._take(request.query.get("sign-in", "")), request.query.get("citizen", "")
        if begun is None or not number.isdecimal() or int(number) >= len(self._citizens):
            raise web.HTTPFound(f"{self._bus}/my-data")
        code = self._remember(begun._replace(citizen=self._citizens[int(number)]))
        query = urlencode({"code": code, "state": begun.asked["state"], "iss": self.url})
        raise web.HTTPFound(f"{begun.asked['redirect_uri']}?{query}")

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        begun = self._take(form.get("code", ""))
        if begun is None or begun.citizen is None or not _is_verified(begun.asked, form):
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": hashlib.sha256(begun.citizen.number.encode()).hexdigest(),
            "aud": CLIENT,
            "iat": now,
            "exp": now + SECONDS,
            "jti": secrets.token_hex(8),
            "nonce": begun.asked["nonce"],
            CLAIM: begun.citizen.number,
        }
        token = self._key.sign(claims, "JWT")
        return web.json_response({"access_token": "none", "token_type": "Bearer", "id_token": token})

    def _remember(self, sign_in: _SignIn) -> str:
        """Keep a sign-in under a new secret, once."""
        secret = secrets.token_urlsafe(24)
        self._pending[secret] = sign_in
        while len(self._pending) > MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        return secret

    def _take(self, secret: str) -> _SignIn | None:
        found = self._pending.pop(secret, None)
        return found if found and time.time() < found.until else None


def _is_verified(asked: dict[str, str], form: dict[str, str]) -> bool:
    """Tell whether a code is redeemed by whoever began the sign-in (RFC 7636, section 4.6)."""
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return hmac.compare_digest(challenge, asked["code_challenge"].encode()) and (
        form.get("redirect_uri") == asked["redirect_uri"]
    )
