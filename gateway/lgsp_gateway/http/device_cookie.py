"""The cookie by which a browser is known that a local user has signed in with before (OWASP, "device cookies").

It opens nothing. Wrong passwords that are tried elsewhere do not hold up who shows it.
"""

import secrets

from aiohttp import web

from lgsp_gateway.sessions.sealing import Sealer

SECONDS = 365 * 24 * 3600


class DeviceCookie:
    """Reads and writes the cookie.

    Args:
        secure: whether browsers reach the bus over TLS.
    """

    def __init__(self, sealer: Sealer, *, secure: bool) -> None:
        self._sealer = sealer
        self._secure = secure
        self._name = "__Host-lgsp_device" if secure else "lgsp_device"

    def read(self, request: web.BaseRequest, user: str, now: float) -> str:
        """Return the id of a browser that a user has signed in with before; "" for another one.

        Args:
            user: the name of the user.
        """
        sealed = request.cookies.get(self._name, "")
        known = self._sealer.open(sealed, now, SECONDS) if sealed else None
        return str(known["device"]) if known and known["user"] == user else ""

    def set(self, response: web.StreamResponse, user: str, now: float) -> None:
        """Remember that a user has signed in with this browser."""
        sealed = self._sealer.seal({"user": user, "device": secrets.token_hex(16)}, now)
        response.set_cookie(
            self._name, sealed, max_age=SECONDS, path="/", secure=self._secure, httponly=True, samesite="Strict"
        )
