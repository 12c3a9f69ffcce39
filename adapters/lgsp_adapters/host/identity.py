"""Who an adapter is: its system's access token, taken from the bus with its private key, for its connection to NATS.

The token is OAuth 2 client credentials with `private_key_jwt` (RFC 7523), as for any program that calls services: one
identity for HTTP and NATS.
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
from jwt.algorithms import ECAlgorithm

from lgsp_problems import CannotStart, Refusal
from lgsp_runtime import connection_errors
from lgsp_runtime.tls import TlsFiles

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PATIENCE_SECONDS = 30.0
RETRY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and how long it counts, in seconds from when it was requested (`time.monotonic()`).

    The wall clock may jump in between, here or at the gateway, so the lifetime is measured and not an end time.
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
        tls: the authorities that vouch for the gateway; None for those that the machine trusts.

    Raises:
        Refusal: `cannot-start`, when the key cannot be read.
    """

    def __init__(self, gateway: str, system: str, key: Path, tls: TlsFiles | None = None) -> None:
        self.gateway = gateway.rstrip("/")
        self._tls = tls
        self._system = system
        self._key_file = key
        try:
            self._key = key.read_text(encoding="utf-8")
        except OSError as error:
            raise CannotStart(
                vi=f"Không đọc được khóa của hệ thống {system} ở {key}: {error.strerror}.",
                en=f"Cannot read the key of system {system} in {key}: {error.strerror}; name the right folder.",
            ) from error

    async def token(self) -> Token:
        """Request a new token, waiting for a gateway that is not up yet.

        Raises:
            Refusal: `cannot-start`, when no gateway answers in time or it does not know the system.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        logged_reason = ""
        while True:
            try:
                return await self._request_token()
            except aiohttp.ClientSSLError as error:  # waiting corrects neither a certificate nor a TLS version
                raise await self._untrusted_gateway(error) from error
            except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError) as error:
                reason = connection_errors.describe_error(error)
                if time.monotonic() > until:
                    raise CannotStart(
                        vi=f"Không gateway nào trả lời ở {self.gateway} ({reason}); hãy kiểm tra --gateway.",
                        en=f"No gateway answers at {self.gateway} ({reason}); check --gateway.",
                        private=type(error).__name__,
                    ) from error
                if logged_reason != reason:
                    logged_reason = reason
                    structlog.get_logger().warning("waiting for the gateway", gateway=self.gateway, reason=reason)
                await asyncio.sleep(RETRY_SECONDS)

    def session(self, **options: Any) -> aiohttp.ClientSession:
        """Open a pool of connections that trusts the same authorities; the keyword arguments are those of `aiohttp.ClientSession`."""
        connector = aiohttp.TCPConnector(ssl=self._tls.context if self._tls else True)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), **options)

    async def _untrusted_gateway(self, error: aiohttp.ClientSSLError) -> Refusal:
        parts = urlsplit(self.gateway)
        reason = await connection_errors.describe_with_certificate(error, parts.hostname or "", parts.port or 443)
        return CannotStart(
            vi=f"Chứng thư của gateway ở {self.gateway} không đáng tin cậy: {reason}; hãy nêu nơi cấp chứng thư bằng --ca, hoặc chỉ cho gateway bằng --gateway-ca.",
            en=f"The gateway at {self.gateway} is not trusted: {reason}; name its certificate authority with --ca, or for the gateway alone with --gateway-ca.",
        )

    def _current_key(self) -> str:
        """Return the private key, read again: it may have been rotated while the adapter runs."""
        try:
            key = self._key_file.read_text(encoding="utf-8")
            ECAlgorithm(ECAlgorithm.SHA256).prepare_key(key)
        except (OSError, ValueError, jwt.PyJWTError) as error:
            structlog.get_logger().warning("key not reloaded", system=self._system, reason=type(error).__name__)
        else:
            self._key = key
        return self._key

    async def _request_token(self) -> Token:
        asked_at, now = time.monotonic(), int(time.time())
        claims = {"iss": self._system, "sub": self._system, "aud": self.gateway, "iat": now, "exp": now + 60}
        assertion = jwt.encode({**claims, "jti": str(uuid.uuid4())}, self._current_key(), algorithm="ES256")
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
            if (
                answer.status == HTTPStatus.SERVICE_UNAVAILABLE
            ):  # the gateway has lost NATS: treated like one that is not up yet
                answer.raise_for_status()
            token_response: dict[str, Any] = await answer.json(content_type=None)
        if "access_token" not in token_response:
            description = str(token_response.get("error_description", token_response))
            structlog.get_logger().error("no token", system=self._system, reason=description)
            raise CannotStart(vi=description, en=description)
        return Token(str(token_response["access_token"]), float(token_response["expires_in"]), asked_at)
