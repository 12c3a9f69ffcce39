"""The cookies that carry sessions in a browser, and which requests they count for.

Scripts do not see the cookie, and browsers send it with requests of the bus's own pages alone (`SameSite=Strict`). Neither is relied
upon alone: a request that changes something is accepted with the cookie only where the browser says that a page of the bus sent it and
it carries a header that pages of other origins cannot set; a request that reads, only where no page of another origin sent it.
"""

from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from lgsp_problems import Refusal
from lgsp_runtime.loopback import is_loopback

SAFE_METHODS = frozenset((hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS))
"""Methods that change nothing (RFC 9110, section 9.2.1)."""

REQUESTED_WITH: Final = "X-Requested-With"
CONSOLE: Final = "lgsp-console"
"""The value of `X-Requested-With` with which the console sends each request that changes something."""

_FETCH_SITE: Final = "Sec-Fetch-Site"


class SessionCookie:
    """Reads and writes the cookie.

    Args:
        public_url: the address under which browsers reach the bus.
        base_name: of the cookie; each kind of session has one of its own.
    """

    def __init__(self, public_url: str, base_name: str = "lgsp_session") -> None:
        address = urlsplit(public_url)
        self._origin = f"{address.scheme}://{address.netloc}"
        self.secure = address.scheme == "https"
        """Whether browsers reach the bus over TLS."""
        self.usable = self.secure or is_loopback(address.hostname or "")
        """Whether browsers may sign in at all: not where the session would pass a network in plain text."""
        # The prefix keeps other hosts of the domain from setting it; browsers accept it over TLS alone.
        self.name = f"__Host-{base_name}" if self.secure else base_name

    def token_in(self, request: web.BaseRequest) -> str:
        """Return the session token in the cookie of a request; "" where there is none or it does not count.

        It does not count beside an `Authorization` header, and not for a request that reads and was sent by a page of another origin.

        Raises:
            Refusal: `cross-site-request`, where the request would change something and may not come from a page of the bus.
        """
        if hdrs.AUTHORIZATION in request.headers or not self.usable:
            return ""
        token = request.cookies.get(self.name, "")
        if not token:
            return ""
        if request.method in SAFE_METHODS:
            return "" if request.headers.get(_FETCH_SITE, "same-origin") in ("cross-site", "same-site") else token
        self.require_own_page(request)
        return token

    def require_usable(self) -> None:
        """Refuse to sign a browser in where its session would pass a network in plain text.

        Raises:
            Refusal: `sign-in-failed`.
        """
        if not self.usable:
            raise Refusal(
                "sign-in-failed",
                vi="Trục được mở qua HTTP không mã hóa nên không đăng nhập bằng trình duyệt được; đơn vị vận hành cần đặt TLS (--tls-cert hoặc proxy) và --public-url bắt đầu bằng https.",
                en="The bus is reached over plain HTTP, so browsers cannot sign in; its operator must set up TLS (--tls-cert, or a proxy) and a --public-url that begins with https.",
            )

    def require_own_page(self, request: web.BaseRequest) -> None:
        """Refuse a request that a page of another origin may have made a browser send.

        Raises:
            Refusal: `cross-site-request`.
        """
        if request.headers.get(REQUESTED_WITH) != CONSOLE or not self._is_same_origin(request):
            raise Refusal(
                "cross-site-request",
                vi="Trình duyệt không cho biết yêu cầu này đến từ trang của trục; hãy tải lại trang rồi thử lại, hoặc gửi mã truy cập trong Authorization.",
                en="The browser does not say that a page of the bus sent this request; reload the page and try again, or send a token in Authorization.",
            )

    def _is_same_origin(self, request: web.BaseRequest) -> bool:
        origin, site = request.headers.get(hdrs.ORIGIN), request.headers.get(_FETCH_SITE)
        if site is not None:
            return site == "same-origin"
        return origin in (self._origin, f"{urlsplit(self._origin).scheme}://{request.host}")

    def set(self, response: web.StreamResponse, token: str, seconds: int) -> None:
        """Give a browser a session.

        Args:
            seconds: how long it lasts at most.
        """
        response.set_cookie(
            self.name, token, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="Strict"
        )

    def clear(self, response: web.StreamResponse) -> None:
        """Make a browser forget its session."""
        response.del_cookie(self.name, path="/", secure=self.secure, httponly=True, samesite="Strict")
