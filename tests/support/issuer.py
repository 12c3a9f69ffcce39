"""Other issuers of tokens, whose claims a test chooses: one key, found by discovery."""

import time
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from lgsp_auth.signing_keys import KeyRing, SigningKey

CLAIM = "so_dinh_danh"


class _Issuer:
    """Publishes one key."""

    def __init__(self) -> None:
        self._key = SigningKey.generate()
        self._app = web.Application()
        self._app.router.add_get("/.well-known/openid-configuration", self._discovery)
        self._app.router.add_get("/jwks", self._jwks)
        self.url = ""

    async def start(self) -> "PeoplesIssuer":
        self._runner = web.AppRunner(self._app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _discovery(self, _: web.Request) -> web.Response:
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/jwks"})

    async def _jwks(self, _: web.Request) -> web.Response:
        return web.json_response(KeyRing([self._key]).jwks())

    def _write(self, folder: Path, **speaks_of: dict[str, Any]) -> Path:
        file = folder / "issuers.yaml"
        entry = {"issuer": self.url, "audience": "lgsp", "algorithms": ["ES256"], **speaks_of}
        file.write_text(yaml.safe_dump({"issuers": [entry]}))
        return file

    def _sign(self, **claims: Any) -> str:
        now = int(time.time())
        usual = {"iss": self.url, "aud": "lgsp", "iat": now, "exp": now + 3600, "jti": "1"}
        return self._key.sign({**usual, **claims}, "at+jwt")


class PeoplesIssuer(_Issuer):
    """Speaks of citizens."""

    def entry(self, folder: Path) -> Path:
        """The file for `--issuers`."""
        return self._write(folder, people={"claim": CLAIM, "kind": "citizen"})

    def token(self, number: Any, **claims: Any) -> str:
        """A citizen's token; further claims replace the usual ones."""
        return self._sign(**{"sub": "citizen", CLAIM: number, **claims})


class SystemsIssuer(_Issuer):
    """Speaks of systems."""

    def entry(self, folder: Path) -> Path:
        """The file for `--issuers`."""
        return self._write(folder, systems={"claim": "client_id"})

    def token(self, system: str) -> str:
        """A system's token."""
        return self._sign(sub=system, client_id=system)

    def replace_key(self) -> None:
        """Publish another key instead of the one that signed until now."""
        self._key = SigningKey.generate()
