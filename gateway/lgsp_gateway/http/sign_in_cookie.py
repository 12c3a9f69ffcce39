"""The short-lived cookie of a browser that is signing in: what its sign-in must find again, or how it ended.

Issuers send the browser back by a redirect from their own origin, so the cookie is `SameSite=Lax`: a session's, which is `Strict`, would
not come along. Its content is sealed (`sessions.sealing`).
"""

from aiohttp import web

SECONDS = 900


class SignInCookie:
    """Reads and writes the cookie.

    Args:
        secure: whether browsers reach the bus over TLS.
    """

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        self.name = "__Host-lgsp_sign_in" if secure else "lgsp_sign_in"

    def read(self, request: web.BaseRequest) -> str:
        """Return what the cookie of a request holds; "" where there is none."""
        return request.cookies.get(self.name, "")

    def set(self, response: web.StreamResponse, sealed: str) -> None:
        """Give a browser something to bring back."""
        response.set_cookie(
            self.name, sealed, max_age=SECONDS, path="/", secure=self._secure, httponly=True, samesite="Lax"
        )

    def clear(self, response: web.StreamResponse) -> None:
        """Make a browser forget it."""
        response.del_cookie(self.name, path="/", secure=self._secure, httponly=True, samesite="Lax")
