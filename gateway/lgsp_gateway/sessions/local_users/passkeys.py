"""Passkeys of local users (WebAuthn, by py_webauthn): a key that stays in a device, opened there by a finger, a face or a PIN.

What a ceremony must be compared with is sealed and handed to the page, which brings it back; each counts once. That is kept only of those
that showed a passkey of a user: whoever is not signed in uses up nothing that others need. A passkey is found by itself (a discoverable credential), so that nothing need be typed, and it counts as two factors: the device, and who opened it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from lgsp_auth.one_time import OneTimeKind, OneTimeValue, ReplayGuard
from lgsp_gateway.sessions.local_users.user_store import LocalUser, Passkey
from lgsp_gateway.sessions.sealing import Sealer
from lgsp_problems import Refusal
from lgsp_runtime.loopback import is_loopback

CEREMONY_SECONDS = 300
MAX_PASSKEYS = 10
MAX_LABEL = 60
"""Characters of what its owner calls a passkey."""


class Passkeys:
    """Adds passkeys and checks them.

    Args:
        keys: returns the storage keys of the bus by number.
        replays: sees to it that each ceremony counts once.
        public_url: the address under which browsers reach the bus; its host is what passkeys are for.
    """

    def __init__(self, keys: Callable[[], Mapping[int, bytes]], replays: ReplayGuard, public_url: str) -> None:
        self._sealer = Sealer(keys, "passkey")
        self._replays = replays
        address = urlsplit(public_url)
        host = address.hostname or ""
        self._domain = "localhost" if is_loopback(host) else host  # a passkey is for a name, not for an IP address
        self._origins = [f"{address.scheme}://{address.netloc}"]
        if self._domain == "localhost":
            self._origins.append(f"http://localhost:{address.port}")

    def registration(self, user: LocalUser, now: float) -> dict[str, Any]:
        """Return what a browser needs to make a passkey, and what it must bring back as `state`."""
        options = webauthn.generate_registration_options(
            rp_id=self._domain,
            rp_name="LGSP",
            user_name=user.name,
            user_id=user.id.encode(),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(base64url_to_bytes(one.id)) for one in user.passkeys],
        )
        return self._ceremony(options.challenge, webauthn.options_to_json(options), user.id, now)

    async def add(self, user: LocalUser, state: str, credential: Mapping[str, Any], name: str, now: float) -> LocalUser:
        """Return a user with the passkey that a browser has made.

        Raises:
            Refusal: `sign-in-failed`, `bus-unavailable`.
        """
        if len(user.passkeys) >= MAX_PASSKEYS:
            raise Refusal(
                "step-not-allowed",
                vi=f"Đã có {MAX_PASSKEYS} khóa truy cập; hãy xóa bớt một khóa.",
                en=f"There are {MAX_PASSKEYS} passkeys already; remove one.",
            )
        challenge = self._challenge(state, user.id, now)
        try:
            made = webauthn.verify_registration_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=self._domain,
                expected_origin=self._origins,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise _not_accepted() from error
        await self._use(challenge)
        passkey = Passkey(
            bytes_to_base64url(made.credential_id),
            bytes_to_base64url(made.credential_public_key),
            made.sign_count,
            name.strip()[:MAX_LABEL] or "passkey",
            now,
        )
        return user.with_(passkeys=(*user.passkeys, passkey))

    def authentication(self, now: float) -> dict[str, Any]:
        """Return what a browser needs to show a passkey, and what it must bring back as `state`."""
        options = webauthn.generate_authentication_options(
            rp_id=self._domain, user_verification=UserVerificationRequirement.REQUIRED
        )
        return self._ceremony(options.challenge, webauthn.options_to_json(options), "", now)

    async def check(self, user: LocalUser, state: str, credential: Mapping[str, Any], now: float) -> LocalUser:
        """Check what a browser has shown; return the user as they are to be kept then.

        Raises:
            Refusal: `sign-in-failed`, `bus-unavailable`.
        """
        challenge = self._challenge(state, "", now)
        passkey = next((one for one in user.passkeys if one.id == credential.get("id")), None)
        if passkey is None:
            raise _not_accepted()
        try:
            shown = webauthn.verify_authentication_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=self._domain,
                expected_origin=self._origins,
                credential_public_key=base64url_to_bytes(passkey.public_key),
                credential_current_sign_count=passkey.count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise _not_accepted() from error
        await self._use(challenge)
        counted = Passkey(passkey.id, passkey.public_key, shown.new_sign_count, passkey.name, passkey.made)
        return user.with_(passkeys=tuple(counted if one is passkey else one for one in user.passkeys))

    def _ceremony(self, challenge: bytes, options: str, user: str, now: float) -> dict[str, Any]:
        state = self._sealer.seal({"challenge": bytes_to_base64url(challenge), "user": user}, now)
        return {"options": json.loads(options), "state": state}

    def _challenge(self, state: str, user: str, now: float) -> bytes:
        opened = self._sealer.open(state, now, CEREMONY_SECONDS)
        if opened is None or opened["user"] != user:
            raise _not_accepted()
        return base64url_to_bytes(opened["challenge"])

    async def _use(self, challenge: bytes) -> None:
        await self._replays.use(OneTimeValue(_CEREMONY, "passkey", bytes_to_base64url(challenge)))


def user_of(credential: Mapping[str, Any]) -> str:
    """Return the id of the user whose passkey a browser shows; "" where it does not say."""
    response = credential.get("response")
    handle = response.get("userHandle") if isinstance(response, Mapping) else None
    try:
        return base64url_to_bytes(handle).decode("ascii") if isinstance(handle, str) else ""
    except ValueError:
        return ""


def _not_accepted() -> Refusal:
    return Refusal(
        "sign-in-failed",
        vi="Không nhận được khóa truy cập này, hoặc đã quá lâu; hãy thử lại.",
        en="This passkey was not accepted, or it took too long; try again.",
    )


_CEREMONY = OneTimeKind(
    name="passkey",
    seconds=CEREMONY_SECONDS + 60,
    limit=100_000,
    limit_per_owner=100_000,
    replayed=_not_accepted,
    too_many=lambda: Refusal(
        "too-many-attempts",
        vi="Quá nhiều người đang đăng nhập cùng lúc; hãy thử lại sau một phút.",
        en="Too many people are signing in at the same time; try again in a minute.",
        retry_after=60,
    ),
)
