"""A system of the demo as its own program would be: it takes access tokens with its key, and asks the bus."""

import time
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from lgsp_auth.client_authentication import ASSERTION_TYPE
from lgsp_auth.signing_keys import SigningKey
from lgsp_problems import CannotStart

RENEWED_SECONDS = 60.0
"""How long before its end a token is renewed."""


class SystemClient:
    """Asks a gateway as a system.

    Args:
        session: its base URL is the gateway.
        audience: the gateway, as its tokens name it.
        key: the file of the system's private key.
    """

    def __init__(self, session: aiohttp.ClientSession, audience: str, system: str, key: Path) -> None:
        self._session = session
        self._audience = audience
        self._system = system
        self._key = SigningKey.from_pem(key.read_bytes())
        self._token = ""
        self._renew_at = 0.0

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """Send a request, and return status and body of the answer. The body is JSON, or bytes as they are.

        Raises:
            aiohttp.ClientError, TimeoutError: nothing answers.
        """
        data = body if isinstance(body, bytes | None) else orjson.dumps(body)
        sent = {"Content-Type": "application/json", **headers, "Authorization": f"Bearer {await self._valid_token()}"}
        async with self._session.request(method, path, data=data, headers=sent) as answer:
            return answer.status, await answer.read()

    async def _valid_token(self) -> str:
        if time.monotonic() >= self._renew_at:
            content = await self._new_token()
            self._token = str(content["access_token"])
            self._renew_at = time.monotonic() + float(content["expires_in"]) - RENEWED_SECONDS
        return self._token

    async def _new_token(self) -> Mapping[str, Any]:
        now = int(time.time())
        claims = {"iss": self._system, "sub": self._system, "aud": self._audience, "iat": now, "exp": now + 60}
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._key.sign({**claims, "jti": str(uuid.uuid4())}),
        }
        async with self._session.post("/oauth2/token", data=form) as answer:
            if answer.status != HTTPStatus.OK:
                raise CannotStart(
                    vi=f"Trục không cấp mã truy cập cho hệ thống {self._system} của bản trình diễn; hãy chạy lại với thư mục trạng thái mới (--state-dir).",
                    en=f"The bus gives the system {self._system} of the demonstration no token; start anew with another folder (--state-dir).",
                )
            content: Mapping[str, Any] = await answer.json()
            return content
