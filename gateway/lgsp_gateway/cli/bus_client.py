"""How a command reaches a bus: the local one through its state folder, a remote one through an address and a token."""

import asyncio
import datetime
import time
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import orjson
from cyclopts import Parameter

from lgsp_auth.client_authentication import ASSERTION_TYPE
from lgsp_contracts import names
from lgsp_contracts.cli.terminal import err, language
from lgsp_gateway.api.stale_index import HEADER as STALE
from lgsp_gateway.cli import session_file
from lgsp_gateway.cli.options import AccessToken, StateFolder, Url, given_token
from lgsp_gateway.cli.private_keys import AssertionKey, find_private_key, read_private_key
from lgsp_gateway.cli.problem_documents import refusal_from_oauth_error, refusal_from_response
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_problems import NotFound, Refusal, Text
from lgsp_runtime import connection_errors

T = TypeVar("T")

DEMO_OPERATOR = "van-hanh"
"""As whom commands act on a local bus where nobody has answered or signed in as somebody else."""


class CallerUnknown(Refusal):
    """Nothing says as whom a command asks a bus."""


@dataclass(frozen=True, slots=True)
class BusAddress:
    """Which bus a command means: `url`, or the one that runs on `state_dir`."""

    state_dir: Path
    url: str

    def resolved(self) -> str:
        """Return the address of the gateway.

        Raises:
            Refusal: `bus-not-found`.
        """
        return (self.url or str(StateDir(self.state_dir).running()["url"])).rstrip("/")

    def token(self, system: str, key: Path | None = None) -> str:
        """Return an access token of a system, by its key in the state folder or in a file.

        Raises:
            Refusal: `not-found`, `bus-not-found` or `token-invalid`.
        """
        name = names.system_name(system)
        url = self.resolved()
        signing = read_private_key(key) if key else find_private_key(StateDir(self.state_dir), name)
        return run_against_bus(url, _request_token(url, name, signing))


@Parameter(name="*")
@dataclass
class BusOptions:
    """Which bus, and as whom.

    Parameters
    ----------
    state_dir
        The folder of the local bus.
    url
        The address of a remote bus.
    as_
        The system that asks, by its key in the folder of the local bus or SYSTEM.pem in the working directory. Without it,
        whoever has signed in with `lgsp login` does, or else the demo operator.
    as_key
        The private key (PEM or JWK) of that system, where it is in another file.
    access_token
        The access token of whoever asks; without --as, that in LGSP_TOKEN by default, for the bus of LGSP_URL or one on this machine.
    """

    state_dir: StateFolder = DEFAULT
    url: Url = ""
    as_: Annotated[str, Parameter(name="--as")] = ""
    as_key: Path | None = None
    access_token: AccessToken = ""

    def resolved(self) -> tuple[str, str]:
        """Return the address of the gateway, and an access token.

        Raises:
            CallerUnknown: there is neither a token nor a key nor a session.
            Refusal: `bus-not-found`, or what the gateway refused a token with.
        """
        address = BusAddress(self.state_dir, self.url)
        url = address.resolved()
        token = self.given_token() or (
            address.token(self.as_, self.as_key) if self.as_ else session_file.token_for(url)
        )
        token = token or self.default_token(address)
        return url, token and names.header_value("Authorization", token)

    def given_token(self) -> str:
        """Return the access token that was given, or that of the environment."""
        return given_token(self.as_, self.access_token, self.url)

    def default_token(self, address: BusAddress) -> str:
        """Return the access token of the demo operator, for a command that names nobody.

        Raises:
            CallerUnknown: there is none.
        """
        try:
            return address.token(DEMO_OPERATOR)
        except NotFound as error:
            raise CallerUnknown(
                "token-invalid",
                vi=f"Chưa biết ai gọi {address.resolved()}; hãy chạy lgsp login, hoặc thêm --token MÃ hay --as HỆ_THỐNG.",
                en=f"Who asks {address.resolved()} is not known; run lgsp login, or add --token TOKEN or --as SYSTEM.",
            ) from error

    def client(self) -> "BusClient":
        """Something to ask that bus with."""
        return BusClient(*self.resolved())


class BusClient:
    """Asks a gateway as somebody.

    Args:
        token: empty for what everybody may see.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._headers = {"Accept-Language": language(), **({"Authorization": f"Bearer {token}"} if token else {})}

    def get(self, path: str, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> bytes:
        """Send a GET and return the response.

        Raises:
            Refusal: what the gateway refused with; `bus-not-found`.
        """
        return run_against_bus(self.url, self._request("GET", path, query or {}, headers or {}, None))

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
        """Send a POST and return the response.

        Raises:
            Refusal: what the gateway refused with; `bus-not-found`.
        """
        return run_against_bus(self.url, self._request("POST", path, {}, headers or {}, body))

    def patch(self, path: str, body: bytes) -> bytes:
        """Send a PATCH and return the response.

        Raises:
            Refusal: what the gateway refused with; `bus-not-found`.
        """
        return run_against_bus(self.url, self._request("PATCH", path, {}, {}, body))

    def delete(self, path: str) -> bytes:
        """Send a DELETE and return the response.

        Raises:
            Refusal: what the gateway refused with; `bus-not-found`.
        """
        return run_against_bus(self.url, self._request("DELETE", path, {}, {}, None))

    def lines(self, path: str) -> Iterator[bytes]:
        """Yield the data of server-sent events as they arrive."""
        with asyncio.Runner() as runner:
            events = self._events(path)
            while (event := runner.run(anext(events, None))) is not None:
                yield event

    async def _request(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes | None
    ) -> bytes:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        sent = {**self._headers, **({"Content-Type": "application/json"} if body else {}), **headers}
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=sent) as session,
            session.request(method, self.url + path, params=query, data=body) as answer,
        ):
            content = await answer.read()
            if answer.status >= 300:
                raise refusal_from_response(answer.status, content)
            _warn_if_stale(answer.headers.get(STALE, ""))
            return content

    async def _events(self, path: str) -> AsyncIterator[bytes]:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        headers = {**self._headers, "Accept": "text/event-stream"}
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
            try:
                async with session.get(self.url + path) as answer:
                    if answer.status != 200:
                        raise refusal_from_response(answer.status, await answer.read())
                    async for line in answer.content:
                        if line.startswith(b"data: "):
                            yield line[6:].strip()
            except aiohttp.ClientConnectionError as error:
                raise _unreachable(self.url, error) from error


def _warn_if_stale(since: str) -> None:
    """Say on stderr that what was answered lacks the newest."""
    try:
        moment = datetime.datetime.fromisoformat(since)
    except ValueError:
        return
    when = f"{moment:%H:%M:%S %d/%m/%Y}"
    words = Text(
        f"Chỉ mục tìm kiếm đứng yên: những gì ghi từ {when} chưa có ở đây; hãy chạy `lgsp doctor`.",
        f"The search index stands still: what was written since {when} is not in this; run `lgsp doctor`.",
    )
    err(f"lgsp: {words.in_language(language())}\n")


def run_against_bus(url: str, work: Coroutine[Any, Any, T]) -> T:
    """Run what talks to a bus.

    Raises:
        Refusal: `bus-not-found`, when nothing answers there.
    """
    try:
        return asyncio.run(work)
    except (aiohttp.ClientConnectionError, TimeoutError) as error:
        raise _unreachable(url, error) from error


def _unreachable(url: str, error: Exception) -> Refusal:
    if isinstance(error, aiohttp.ClientSSLError):
        parts = urlsplit(url)
        reason = asyncio.run(
            connection_errors.describe_with_certificate(error, parts.hostname or "", parts.port or 443)
        )
        return Refusal(
            "bus-not-found",
            vi=f"Chứng thư của trục ở {url} không đáng tin cậy: {reason}; hãy nêu nơi cấp chứng thư bằng --ca.",
            en=f"The bus at {url} is not trusted: {reason}; name its certificate authority with --ca.",
        )
    reason = connection_errors.describe_error(error)
    return Refusal(
        "bus-not-found",
        vi=f"Không có trục nào trả lời ở {url} ({reason}); hãy kiểm tra địa chỉ, hoặc chạy ./lgsp up.",
        en=f"No bus answers at {url} ({reason}); check the address, or start one with ./lgsp up.",
    )


async def _request_token(url: str, system: str, key: AssertionKey) -> str:
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
        content = await answer.read()
    if answer.status != 200:
        raise refusal_from_oauth_error(answer.status, content)
    return str(orjson.loads(content)["access_token"])
