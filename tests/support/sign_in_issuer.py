"""An OpenID Connect issuer that people sign in with, whose accounts and whose misbehaviour a test chooses.

It speaks real HTTP: discovery, authorization code with PKCE, device grant. Whoever comes to its authorization endpoint is
`subject`, without being asked for a password: they have been signed in there for an hour, until a request asks for them again.
"""

import base64
import hashlib
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import yaml
from aiohttp import web

from lgsp_auth.signing_keys import KeyRing, SigningKey

CLIENT = "lgsp-cli"
CONSOLE_CLIENT = "lgsp-console"


class SignInIssuer:
    """One issuer, on a port of its own.

    Args:
        citizens: the claim with the number of a citizen; empty where it names none.
        secret: of the console's client; empty for a public client.
        names_itself: its redirects say whose they are (RFC 9207).
    """

    def __init__(self, citizens: str = "", *, secret: str = "", names_itself: bool = True) -> None:
        self.citizens = citizens
        self.secret = secret
        self.doors: list[str] = []  # `for` of its entry; empty for none
        self.key = SigningKey.generate()
        self.signs_with = self.key
        self.subject = "somebody"
        self.claims: dict[str, Any] = {}  # of its ID tokens, in the place of the usual ones
        self.redirected: dict[str, str] = {}  # of its redirects, in the place of the usual parameters
        self.approved = False  # somebody has entered the code of the device
        self.names_itself = names_itself
        self.methods: list[str] = []  # by which clients show themselves; empty for those that are usual
        self.shown_at = time.time() - 3600  # when `subject` showed who they are
        self.asks_again = True  # it obeys `prompt` and `max_age`
        self.begun: list[dict[str, str]] = []  # at the authorization endpoint
        self._secret_file = Path()
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
        sign_in: dict[str, Any] = {"client": CLIENT, **({"for": self.doors} if self.doors else {})}
        if self.secret:
            sign_in["console"] = {"client": CONSOLE_CLIENT, "secretFile": str(self._secret_file)}
        return {"issuer": self.url, "audience": "lgsp", "algorithms": ["ES256"], "signIn": sign_in, **people}

    def keep_secret_in(self, folder: Path) -> None:
        """Write the file with the secret that its entry names."""
        self._secret_file = folder / f"secret-{self.url.rpartition(':')[2]}"
        self._secret_file.write_text(f"{self.secret}\n")

    def new_subject(self, stem: str) -> str:
        """Sign in a new account from now on, however often a test is tried; return its subject."""
        self.subject = f"{stem} {secrets.token_hex(3)}"
        return self.subject

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
                "end_session_endpoint": f"{self.url}/sign-out",
                "authorization_response_iss_parameter_supported": self.names_itself,
                **({"token_endpoint_auth_methods_supported": self.methods} if self.methods else {}),
            }
        )

    async def _jwks(self, _: web.Request) -> web.Response:
        return web.json_response(KeyRing([self.key]).jwks())

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        assert asked["client_id"] in (CLIENT, CONSOLE_CLIENT if self.secret else CLIENT)
        self.begun.append(asked)
        if asked.get("prompt") == "login" and self.asks_again:
            self.shown_at = time.time()
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["redirect_uri"].startswith("http://127.0.0.1:")
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        named = {"iss": self.url} if self.names_itself else {}
        said = {"code": code, "state": asked["state"], **named, **self.redirected}
        query = urlencode({name: value for name, value in said.items() if value})
        raise web.HTTPFound(f"{asked['redirect_uri']}?{query}")

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if self.secret and form["client_id"] == CONSOLE_CLIENT and not self._shows_secret(request, form):
            return web.json_response({"error": "invalid_client"}, status=401)
        if form["grant_type"] == "authorization_code":
            asked = self._codes.pop(form["code"], None)  # a code counts once
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            held = asked and asked["code_challenge"] == challenge and asked["redirect_uri"] == form["redirect_uri"]
            if not asked or not held:
                return web.json_response({"error": "invalid_grant"}, status=400)
            shown = {"auth_time": int(self.shown_at)} if "max_age" in asked else {}
            claims = {"aud": asked["client_id"], "nonce": asked["nonce"], **shown, **self.claims}
        else:
            if not self.approved:
                return web.json_response({"error": "authorization_pending"}, status=400)
            claims = self.claims
        token = self.id_token(self.subject, **claims)
        return web.json_response({"access_token": "opaque", "token_type": "Bearer", "id_token": token})

    def _shows_secret(self, request: web.Request, form: dict[str, str]) -> bool:
        if "client_secret_basic" in (self.methods or ["client_secret_basic"]):
            pair = f"{CONSOLE_CLIENT}:{quote_plus(self.secret)}"
            return request.headers.get("Authorization") == f"Basic {base64.b64encode(pair.encode()).decode()}"
        return form.get("client_secret") == self.secret and "Authorization" not in request.headers

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
    for issuer in issuers:
        if issuer.secret:
            issuer.keep_secret_in(file.parent)
    file.write_text(yaml.safe_dump({"issuers": [issuer.entry() for issuer in issuers]}))
    return file
