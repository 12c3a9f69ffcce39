"""Security events of people who sign in, out, or fail to: for those on watch, without names and without what was typed."""

from aiohttp import web

from lgsp_problems import Refusal
from lgsp_runtime.security_events import SecurityLog


class SignInEvents:
    """Writes the security events of browsers that sign in."""

    def __init__(self, security: SecurityLog) -> None:
        self._security = security

    def signed_in(self, request: web.Request, method: str) -> None:
        """Write that somebody has signed in.

        Args:
            method: how: `issuer`, `password`, `passkey` or `link`.
        """
        self._write(request, "signed-in", "success", f"somebody signed in by {method}")

    def not_signed_in(self, request: web.Request, method: str, refusal: Refusal) -> None:
        """Write that a sign-in was refused, and why."""
        self._write(request, "sign-in-refused", "failure", f"a sign-in by {method} was refused: {refusal.code}")

    def signed_out(self, request: web.Request) -> None:
        """Write that somebody has signed out."""
        self._write(request, "signed-out", "success", "somebody signed out")

    def account_changed(self, request: web.Request, person: str, change: str) -> None:
        """Write that a person has changed how they sign in.

        Args:
            person: the name of the principal.
            change: what, in a few words.
        """
        self._security.event(
            "account-changed",
            "success",
            "iam",
            change,
            user__name=person,
            source__ip=request.remote or "",
        )

    def _write(self, request: web.Request, action: str, outcome: str, message: str) -> None:
        self._security.event(action, outcome, "authentication", message, source__ip=request.remote or "")
