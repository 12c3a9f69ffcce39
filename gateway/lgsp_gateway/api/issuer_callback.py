"""What browsers bring back from issuers, for the staff's door and for the citizens'.

Whoever comes back with the state of a sign-in makes the gateway ask the issuer. Who does that with codes that are none, over and over,
would use up what the issuer takes from the gateway, for everybody; so these failures are limited by address. A redirect that is of no
sign-in costs nothing and is not counted: any page can send a browser here.
"""

from aiohttp import web

from lgsp_gateway.calls.auth_failure_limiter import AuthFailureLimiter
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.sessions.issuer_redirects import IssuerRedirects, VerifiedRedirect
from lgsp_problems import Refusal, Text

TOO_MANY_SIGN_INS = Text(
    "Địa chỉ này có quá nhiều lần đăng nhập không thành; hãy thử lại sau vài giây.",
    "Too many sign-ins from this address failed; try again in a few seconds.",
)
CALLBACK_NAME = text_parameter(
    "callback", "which issuer the address is for, where an issuer has one of its own", max_length=500, location="path"
)


class IssuerCallback:
    """Verifies the redirects of issuers that browsers follow."""

    def __init__(self, redirects: IssuerRedirects) -> None:
        self._redirects = redirects
        self._failures = AuthFailureLimiter(TOO_MANY_SIGN_INS)

    async def verified(self, request: web.Request, sealed: str, now: float) -> VerifiedRedirect:
        """Verify the redirect of an issuer.

        Args:
            request: of the browser that follows it.
            sealed: what the browser has brought back; "" for nothing.
            now: seconds since 1970.

        Raises:
            Refusal: `sign-in-failed`, `invalid_grant`, `too-many-attempts` or `bus-unavailable`.
        """
        callback, address = request.match_info.get("callback", ""), request.remote or ""
        returned = self._redirects.returned(sealed, callback, _parameters(request), now)
        if not self._failures.may_try(address):
            raise await self._failures.delayed_refusal()
        try:
            return await self._redirects.finish(returned, now)
        except Refusal:
            self._failures.record_failure(address)
            raise


def _parameters(request: web.Request) -> dict[str, str]:
    """Return the parameters of a redirect that count; one that came twice counts as none."""
    names = ("state", "code", "iss", "error")
    return {name: request.query[name] for name in names if len(request.query.getall(name, ())) == 1}
