"""An OpenID Connect issuer that people sign in with, whose accounts and whose misbehaviour a test chooses.

It speaks real HTTP: discovery, authorization code with PKCE, device grant. Whoever comes to its authorization endpoint is
`subject`, without being asked for a password.
"""

import base64
import hashlib
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml
from aiohttp import web

from lgsp_auth.signing_keys import KeyRing, SigningKey

CLIENT = "lgsp-cli"


class SignInIssuer:
    """One issuer, on a port of its own.

    Args:
        citizens: the claim with the number of a citizen; empty where it names none.
    """

    def __init__(self, citizens: str = "") -> None:
        self.citizens = citizens
        self.key = SigningKey.generate()
        self.signs_with = self.key
        self.subject = "somebody"
        self.claims: dict[str, Any] = {}  # of its ID tokens, in the place of the usual ones
        self.redirected: dict[str, str] = {}  # of its redirects, in the place of the usual parameters
        self.approved = False  # somebody has entered the code of the device
        self.names_itself = True
        self._codes: dict[str, dict[str, str]] = {}
        self.asked: list[dict[str, str]] = []  # at the token endpoint
        self.url = ""

    async def start(self) -> "SignInIssuer":
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/jwks", self._jwks)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_post("/device", self._device)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        await self._runner.cleanup()

    def entry(self) -> dict[str, Any]:
        """What `--issuers` says of it."""
        people = {"people": {"claim": self.citizens, "kind": "citizen"}} if self.citizens else {}
        sign_in = {"signIn": {"client": CLIENT}}
        return {"issuer": self.url, "audience": "lgsp", "algorithms": ["ES256"], **sign_in, **people}

    def id_token(self, subject: str, *, key: SigningKey | None = None, typ: str = "JWT", **claims: Any) -> str:
        """An ID token; further claims replace the usual ones, and None leaves one out."""
        now = int(time.time())
        usual = {
            "iss": self.url,
            "sub": subject,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "jti": secrets.token_hex(8),
        }
        said = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return (key or self.signs_with).sign(said, typ)

    async def _discovery(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/jwks",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "device_authorization_endpoint": f"{self.url}/device",
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": self.names_itself,
            }
        )

    async def _jwks(self, _: web.Request) -> web.Response:
        return web.json_response(KeyRing([self.key]).jwks())

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["redirect_uri"].startswith("http://127.0.0.1:")
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        said = {"code": code, "state": asked["state"], "iss": self.url, **self.redirected}
        query = urlencode({name: value for name, value in said.items() if value})
        raise web.HTTPFound(f"{asked['redirect_uri']}?{query}")

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if form["grant_type"] == "authorization_code":
            asked = self._codes.pop(form["code"], None)  # a code counts once
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            held = asked and asked["code_challenge"] == challenge and asked["redirect_uri"] == form["redirect_uri"]
            if not asked or not held:
                return web.json_response({"error": "invalid_grant"}, status=400)
            claims = {"nonce": asked["nonce"], **self.claims}
        else:
            if not self.approved:
                return web.json_response({"error": "authorization_pending"}, status=400)
            claims = self.claims
        token = self.id_token(self.subject, **claims)
        return web.json_response({"access_token": "opaque", "token_type": "Bearer", "id_token": token})

    async def _device(self, request: web.Request) -> web.Response:
        verification = f"{self.url}/enter"
        return web.json_response(
            {
                "device_code": secrets.token_urlsafe(),
                "user_code": "WDJB-MJHT",
                "verification_uri": verification,
                "expires_in": 60,
                "interval": 0,
            }
        )


def write_entries(file: Path, *issuers: SignInIssuer) -> Path:
    """The file for `--issuers`."""
    file.write_text(yaml.safe_dump({"issuers": [issuer.entry() for issuer in issuers]}))
    return file
