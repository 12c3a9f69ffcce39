"""How a command reaches a bus: the local one through its state folder, a remote one through an address and a token."""

import asyncio
import time
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from lgsp_auth.issuing import ASSERTION_TYPE
from lgsp_auth.keys import SigningKey
from lgsp_gateway.cli.main import language
from lgsp_gateway.local.scene import private_key
from lgsp_gateway.local.state_dir import StateDir
from lgsp_problems import Refusal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BusAddress:
    """Which bus a command means: `url`, or the one that runs on `state_dir`."""

    state_dir: Path
    url: str

    def resolved(self) -> str:
        """The address of the gateway.

        Raises:
            Refusal: `bus-not-found`.
        """
        return (self.url or str(StateDir(self.state_dir).running()["url"])).rstrip("/")

    def token(self, system: str, key: Path | None = None) -> str:
        """An access token of a system, by its key in the state folder or in a file.

        Raises:
            Refusal: `not-found`, `bus-not-found` or `token-invalid`.
        """
        url = self.resolved()
        signing = _read_key(key) if key else private_key(StateDir(self.state_dir), system)
        return reaching(url, _take(url, system, signing))


def reaching(url: str, work: Coroutine[Any, Any, T]) -> T:
    """Run what talks to a bus.

    Raises:
        Refusal: `bus-not-found`, when nothing answers there.
    """
    try:
        return asyncio.run(work)
    except (aiohttp.ClientConnectionError, TimeoutError):
        raise Refusal(
            "bus-not-found",
            vi=f"Không có trục nào trả lời ở {url}; hãy kiểm tra địa chỉ, hoặc chạy ./lgsp up.",
            en=f"No bus answers at {url}; check the address, or start one with ./lgsp up.",
        ) from None


def _read_key(path: Path) -> SigningKey:
    try:
        return SigningKey.from_pem(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Refusal(
            "not-found",
            vi=f"Không đọc được khóa riêng ở {path}: {error}; hãy chỉ một tệp PEM của khóa P-256.",
            en=f"Cannot read the private key in {path}: {error}; name a PEM file of a P-256 key.",
        ) from None


async def _take(url: str, system: str, key: SigningKey) -> str:
    now = int(time.time())
    claims = {"iss": system, "sub": system, "aud": url, "iat": now, "exp": now + 60, "jti": str(uuid.uuid4())}
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": key.sign(claims),
    }
    headers = {"Accept-Language": language()}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/oauth2/token", data=form, headers=headers) as answer,
    ):
        said = await answer.json()
    if "access_token" not in said:
        words = str(said.get("error_description", said))
        raise Refusal("token-invalid", vi=words, en=words)
    return str(said["access_token"])
