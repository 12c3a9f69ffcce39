"""Security events of people who sign in, out, or fail to, for those on watch.

They say whom it concerns by the opaque id of the registry, where that is known, and never what was typed: in the field of the user name
people type passwords. Of citizens nobody is named.
"""

from aiohttp import web

from lgsp_auth.principal import person_name
from lgsp_problems import Refusal
from lgsp_runtime.security_events import SecurityLog


class SignInEvents:
    """Writes the security events of browsers that sign in."""

    def __init__(self, security: SecurityLog) -> None:
        self._security = security

    def signed_in(self, request: web.Request, method: str, person: str = "") -> None:
        """Write that somebody has signed in.

        Args:
            method: how: `issuer`, `password`, `passkey` or `link`; `citizen` for a citizen.
            person: their opaque id; "" for a citizen.
        """
        self._write(request, "signed-in", "success", f"somebody signed in by {method}", person)

    def not_signed_in(self, request: web.Request, method: str, refusal: Refusal, person: str = "") -> None:
        """Write that a sign-in was refused, and why.

        Args:
            person: the opaque id of the person whose account was tried; "" where that is nobody's.
        """
        self._write(request, "sign-in-refused", "failure", f"a sign-in by {method} was refused: {refusal.code}", person)

    def signed_out(self, request: web.Request, person: str = "") -> None:
        """Write that somebody has signed out.

        Args:
            person: their opaque id; "" for a citizen, or where the session had ended before.
        """
        self._write(request, "signed-out", "success", "somebody signed out", person)

    def password_chosen(self, request: web.Request, person: str) -> None:
        """Write that a local user has chosen a password by the link of an operator.

        Args:
            person: their opaque id; "" where they are not registered yet.
        """
        self._write(request, "password-chosen", "success", "a local user chose a password by a link", person)

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

    def _write(self, request: web.Request, action: str, outcome: str, message: str, person: str) -> None:
        whom = {"user__name": person_name(person), "user__id": person} if person else {}
        self._security.event(action, outcome, "authentication", message, source__ip=request.remote or "", **whom)
