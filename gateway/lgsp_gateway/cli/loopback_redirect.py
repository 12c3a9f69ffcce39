"""Where an issuer's redirect ends on the user's own machine (RFC 8252, section 7.3): a port of the loopback address, for one answer.

Any page in any browser can send a request there. So whatever does not carry the state of this sign-in is answered and
changes nothing: it neither ends the sign-in nor puts another code into it.
"""

import asyncio
import hmac
from collections.abc import Mapping
from types import TracebackType

from aiohttp import web

from lgsp_gateway.sessions.oidc_client import redirected_code
from lgsp_problems import Refusal

PATH = "/callback"

_DONE = "<!doctype html><meta charset=utf-8><title>LGSP</title><p>Đã đăng nhập; bạn có thể đóng trang này. You may close this page."
_NOT_DONE = "<!doctype html><meta charset=utf-8><title>LGSP</title><p>Chưa đăng nhập được; hãy xem cửa sổ dòng lệnh. See the terminal."
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class LoopbackRedirect:
    """Listens for the redirect of one sign-in.

    Args:
        state: what the redirect must carry.
        issuer: whose it must be.
        must_name_issuer: the issuer says that its redirects name it (RFC 9207).
    """

    def __init__(self, state: str, issuer: str, *, must_name_issuer: bool) -> None:
        self._state = state
        self._issuer = issuer
        self._must_name_issuer = must_name_issuer
        self._code: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        app = web.Application()
        app.router.add_get(PATH, self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        self.uri = ""

    async def __aenter__(self) -> "LoopbackRedirect":
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.uri = f"http://127.0.0.1:{self._runner.addresses[0][1]}{PATH}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._code.cancel()
        await self._runner.cleanup()

    async def code(self, within: float) -> str:
        """Wait for the redirect and return the authorization code.

        Args:
            within: seconds to wait for it.

        Raises:
            Refusal: `sign-in-failed`.
        """
        try:
            async with asyncio.timeout(within):
                return await self._code
        except TimeoutError as error:
            raise Refusal(
                "sign-in-failed",
                vi="Không ai đăng nhập kịp; hãy chạy lại lgsp login.",
                en="Nobody signed in in time; run lgsp login again.",
            ) from error

    async def _answer(self, request: web.Request) -> web.Response:
        query = request.query
        if not hmac.compare_digest(query.get("state", "").encode(), self._state.encode()):
            return _page(_NOT_DONE, 400)
        if not self._code.done():
            self._settle(query)
        return _page(_DONE if self._code.exception() is None else _NOT_DONE, 200)

    def _settle(self, query: Mapping[str, str]) -> None:
        try:
            code = redirected_code(query, self._issuer, must_name_issuer=self._must_name_issuer)
        except Refusal as refusal:
            self._code.set_exception(refusal)
        else:
            self._code.set_result(code)


def _page(text: str, status: int) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)
