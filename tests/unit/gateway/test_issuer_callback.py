"""Whoever brings forged codes back over and over makes the gateway ask an issuer no more, and holds up nobody at another address."""

from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from lgsp_gateway.api.issuer_callback import IssuerCallback
from lgsp_gateway.calls.auth_failure_limiter import BURST
from lgsp_gateway.sessions.issuer_redirects import IssuerRedirects
from lgsp_gateway.sessions.oidc_client import failed
from lgsp_problems import Refusal


class Redirects:
    """Recognizes a sign-in by its state, and asks an issuer that takes no code."""

    def __init__(self) -> None:
        self.asked = 0

    def returned(self, sealed: str, callback: str, query: dict[str, str], now: float) -> str:
        if query.get("state") != sealed:
            raise failed("khác", "another")
        return sealed

    async def finish(self, returned: str, now: float) -> Any:
        self.asked += 1
        raise failed("mã sai", "a wrong code")


async def refused(callback: IssuerCallback, state: str, address: str) -> str:
    request = make_mocked_request("GET", f"/console/callback?code=x&state={state}").clone(remote=address)
    with pytest.raises(Refusal) as caught:
        await callback.verified(cast("web.Request", request), "s", 0)
    return caught.value.code


async def test_failures_for_which_an_issuer_was_asked_are_limited_by_address() -> None:
    redirects = Redirects()
    callback = IssuerCallback(cast("IssuerRedirects", redirects))
    for _ in range(3 * int(BURST)):  # any page can send a browser here: that counts for nothing
        assert await refused(callback, "other", "203.0.113.7") == "sign-in-failed"
    assert redirects.asked == 0
    codes = [await refused(callback, "s", "203.0.113.7") for _ in range(int(BURST))]
    for _ in range(int(BURST)):  # the budget fills up meanwhile
        if "too-many-attempts" not in codes:
            codes.append(await refused(callback, "s", "203.0.113.7"))
    assert codes[-1] == "too-many-attempts"
    assert redirects.asked == len(codes) - 1
    assert await refused(callback, "s", "203.0.113.8") == "sign-in-failed"
