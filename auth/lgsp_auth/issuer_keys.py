"""The keys of another issuer, found by OpenID Connect discovery and kept: the only I/O of this package.

A key that is not known is asked for, at most once in ten seconds, so that a flood of made-up `kid`s does not become a flood
at the issuer. Each minute the keys are asked for anyway: a key that the issuer has removed ends what it signed. While the issuer
is down its last keys go on counting.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import jwt

from lgsp_auth.public_jwk import VerificationKey, fault_of, thumbprint

MAX_RESPONSE_BYTES = 512 * 1024
TIMEOUT_SECONDS = 5.0
MIN_REFRESH_SECONDS = 10.0
REFRESH_SECONDS = 60.0


class IssuerKeys:
    """The public keys of one issuer.

    Args:
        issuer: its exact `iss`, below which `/.well-known/openid-configuration` stands.
    """

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.on_removed: Callable[[str], None] | None = None
        """Told the thumbprint of each key that the issuer has stopped using."""
        self._keys: dict[str, VerificationKey] = {}
        self._asked = float("-inf")
        self._asking = asyncio.Lock()

    def find(self, kid: str) -> VerificationKey | None:
        """Return the key of a token; None where it is not known."""
        return self._keys.get(kid)

    @property
    def thumbprints(self) -> frozenset[str]:
        """The RFC 7638 thumbprints of the keys that the issuer published last."""
        return frozenset(key.thumbprint for key in self._keys.values())

    async def refresh(self, min_seconds: float = MIN_REFRESH_SECONDS) -> bool:
        """Ask the issuer for its keys, unless that was done just now.

        Args:
            min_seconds: how long ago the last time must be.

        Returns:
            Whether there are fresh keys; with False the known ones still count.
        """
        async with self._asking:
            if time.monotonic() - self._asked < min_seconds:
                return False
            self._asked = time.monotonic()
            before = self.thumbprints
            try:
                self._keys = await self._fetch()
            except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError, jwt.PyJWTError):
                return False
        for key in before - self.thumbprints:
            if self.on_removed:
                self.on_removed(key)
        return True

    def refresh_pause(self) -> float:
        """Return the seconds after which to ask again, to keep the keys fresh."""
        return REFRESH_SECONDS if self._keys else MIN_REFRESH_SECONDS

    async def _fetch(self) -> dict[str, VerificationKey]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            discovered = await _json(session, self.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if discovered["issuer"] != self.issuer:  # OpenID Connect Discovery, section 4.3
                raise ValueError("the discovery document is another issuer's")
            published = (await _json(session, discovered["jwks_uri"]))["keys"]
        found = [jwk for jwk in published if isinstance(jwk, dict) and isinstance(jwk.get("kid"), str)]
        usable = {jwk["kid"]: _key(jwk) for jwk in found if jwk["kid"] and fault_of(jwk) is None}
        if not usable:
            raise ValueError("no key to verify with")
        return usable


def _key(jwk: dict[str, Any]) -> VerificationKey:
    """Load a key, which verifies with its `alg` alone where it has one."""
    key = jwt.PyJWK.from_dict(jwk)
    return VerificationKey(thumbprint(jwk), key if "alg" in jwk else key.key)


async def _json(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url, allow_redirects=False) as answer:
        answer.raise_for_status()
        if answer.status != 200:
            raise ValueError(f"HTTP {answer.status}")
        content = b""
        async for chunk in answer.content.iter_any():
            content += chunk
            if len(content) > MAX_RESPONSE_BYTES:
                raise ValueError("the answer is too large")
    return json.loads(content)
