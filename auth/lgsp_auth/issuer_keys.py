"""The keys of an external issuer, fetched by OpenID Connect discovery and cached: the only I/O of this package.

An unknown key causes a refresh, at most once in ten seconds, so that a flood of invented `kid`s does not reach the issuer. The keys
are also refreshed each minute: removing a key ends the tokens that it signed. While the issuer is down its last keys stay valid.
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
        issuer: its exact `iss`, the base URL of `/.well-known/openid-configuration`.
    """

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.on_removed: Callable[[str], None] | None = None
        """Called with the thumbprint of each key that the issuer has removed."""
        self._keys: dict[str, VerificationKey] = {}
        self._last_refresh = float("-inf")
        self._refresh_lock = asyncio.Lock()

    def find(self, kid: str) -> VerificationKey | None:
        """Return the key of a `kid`; None where it is not known."""
        return self._keys.get(kid)

    @property
    def thumbprints(self) -> frozenset[str]:
        """Return the RFC 7638 thumbprints of the keys that the issuer published last."""
        return frozenset(key.thumbprint for key in self._keys.values())

    async def refresh(self, min_seconds: float = MIN_REFRESH_SECONDS) -> bool:
        """Fetch the issuer's keys, unless that was done just now.

        Args:
            min_seconds: the least time since the last attempt.

        Returns:
            Whether the keys were fetched; the previous ones stay valid otherwise.
        """
        async with self._refresh_lock:
            if time.monotonic() - self._last_refresh < min_seconds:
                return False
            self._last_refresh = time.monotonic()
            previous = self.thumbprints
            try:
                self._keys = await self._fetch()
            except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError, jwt.PyJWTError):
                return False
        for key in previous - self.thumbprints:
            if self.on_removed:
                self.on_removed(key)
        return True

    def refresh_pause(self) -> float:
        """Return the seconds until the next refresh."""
        return REFRESH_SECONDS if self._keys else MIN_REFRESH_SECONDS

    async def _fetch(self) -> dict[str, VerificationKey]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            metadata = await _get_json(session, self.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if metadata["issuer"] != self.issuer:  # OpenID Connect Discovery, section 4.3
                raise ValueError("the discovery document is another issuer's")
            published = (await _get_json(session, metadata["jwks_uri"]))["keys"]
        candidates = [jwk for jwk in published if isinstance(jwk, dict) and isinstance(jwk.get("kid"), str)]
        usable = {jwk["kid"]: _verification_key(jwk) for jwk in candidates if jwk["kid"] and fault_of(jwk) is None}
        if not usable:
            raise ValueError("no key to verify with")
        return usable


def _verification_key(jwk: dict[str, Any]) -> VerificationKey:
    """Load a key, which verifies with its `alg` alone where it has one."""
    key = jwt.PyJWK.from_dict(jwk)
    return VerificationKey(thumbprint(jwk), key if "alg" in jwk else key.key)


async def _get_json(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url, allow_redirects=False) as response:
        response.raise_for_status()
        if response.status != 200:
            raise ValueError(f"HTTP {response.status}")
        content = b""
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > MAX_RESPONSE_BYTES:
                raise ValueError("the response is too large")
    return json.loads(content)
