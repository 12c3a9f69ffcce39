"""Who an adapter is: its system's access token, taken from the bus with its private key, for the NATS door.

The token is OAuth 2 client credentials with `private_key_jwt` (RFC 7523), as for any program that calls services: one
identity, two doors.
"""

import asyncio
import json
import time
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import jwt
import structlog

from lgsp_problems import Refusal
from lgsp_runtime import connection_errors
from lgsp_runtime.tls import TlsFiles

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PATIENCE_SECONDS = 30.0
RETRY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and how long it counts, in seconds from when it was asked for (`time.monotonic()`).

    The clock of the wall may jump in between, here or at the gateway: what the gateway said is a span.
    """

    value: str
    seconds: float
    asked_at: float

    @property
    def left(self) -> float:
        """Return the seconds for which the token is still valid."""
        return self.asked_at + self.seconds - time.monotonic()


class SystemIdentity:
    """A system and its private key (PEM).

    Args:
        tls: who vouches for the gateway, where that is not whom the machine believes.

    Raises:
        Refusal: `cannot-start`, when the key cannot be read.
    """

    def __init__(self, gateway: str, system: str, key: Path, tls: TlsFiles | None = None) -> None:
        self.gateway = gateway.rstrip("/")
        self._tls = tls
        self._system = system
        try:
            self._key = key.read_text(encoding="utf-8")
        except OSError as error:
            raise Refusal(
                "cannot-start",
                vi=f"Không đọc được khóa của hệ thống {system} ở {key}: {error.strerror}.",
                en=f"Cannot read the key of system {system} in {key}: {error.strerror}; name the right folder.",
            ) from error

    async def token(self) -> Token:
        """Request a new token, waiting for a gateway that is not up yet.

        Raises:
            Refusal: `cannot-start`, when no gateway answers in time or it does not know the system.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        told = ""
        while True:
            try:
                return await self._take()
            except aiohttp.ClientSSLError as error:  # neither a certificate nor a version becomes right by waiting
                raise await self._not_believed(error) from error
            except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError) as error:
                reason = connection_errors.describe_error(error)
                if time.monotonic() > until:
                    raise Refusal(
                        "cannot-start",
                        vi=f"Không gateway nào trả lời ở {self.gateway} ({reason}); hãy kiểm tra --gateway.",
                        en=f"No gateway answers at {self.gateway} ({reason}); check --gateway.",
                        private=type(error).__name__,
                    ) from error
                if told != reason:
                    told = reason
                    structlog.get_logger().warning("waiting for the gateway", gateway=self.gateway, reason=reason)
                await asyncio.sleep(RETRY_SECONDS)

    def session(self, **told: Any) -> aiohttp.ClientSession:
        """Open a pool of connections that trusts the same authorities; the keyword arguments are those of `aiohttp.ClientSession`."""
        connector = aiohttp.TCPConnector(ssl=self._tls.context if self._tls else True)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), **told)

    async def _not_believed(self, error: aiohttp.ClientSSLError) -> Refusal:
        parts = urlsplit(self.gateway)
        reason = await connection_errors.describe_with_certificate(error, parts.hostname or "", parts.port or 443)
        return Refusal(
            "cannot-start",
            vi=f"Không tin được gateway ở {self.gateway}: {reason}; hãy chỉ ra nơi cấp chứng thư bằng --gateway-ca.",
            en=f"The gateway at {self.gateway} is not believed: {reason}; name who vouches for it with --gateway-ca.",
        )

    async def _take(self) -> Token:
        asked_at, now = time.monotonic(), int(time.time())
        claims = {"iss": self._system, "sub": self._system, "aud": self.gateway, "iat": now, "exp": now + 60}
        assertion = jwt.encode({**claims, "jti": str(uuid.uuid4())}, self._key, algorithm="ES256")
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        timeout = aiohttp.ClientTimeout(total=5)
        async with (
            self.session(timeout=timeout) as session,
            session.post(f"{self.gateway}/oauth2/token", data=form, headers={"Accept-Language": "en"}) as answer,
        ):
            if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:  # the bus has lost NATS: as one that is not there yet
                answer.raise_for_status()
            said: dict[str, Any] = await answer.json(content_type=None)
        if "access_token" not in said:
            words = str(said.get("error_description", said))
            structlog.get_logger().error("no token", system=self._system, reason=words)
            raise Refusal("cannot-start", vi=words, en=words)
        return Token(str(said["access_token"]), float(said["expires_in"]), asked_at)
