"""The second factor of a local user: codes of an authenticator (TOTP, RFC 6238), and recovery codes for when it is lost."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping

import pyotp

from lgsp_gateway.sessions.local_users.user_store import LocalUser
from lgsp_gateway.sessions.sealing import Sealer

STEP_SECONDS = 30
RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_CODE_LENGTH = 12
"""Characters of a recovery code: 59 bits."""


class SecondFactor:
    """Makes and checks codes.

    Args:
        keys: returns the storage keys of the bus by number, which seal the secrets.
        key: of the gateways; recovery codes are kept as digests with a key that is derived from it.
        issuer: what an authenticator shows beside the user's name.
    """

    def __init__(self, keys: Callable[[], Mapping[int, bytes]], key: bytes, issuer: str) -> None:
        self._sealer = Sealer(keys, "totp")
        self._key = hashlib.blake2b(b"recovery codes", key=key, digest_size=32).digest()
        self._issuer = issuer

    def new_secret(self) -> str:
        """Return a new secret of an authenticator, in base 32."""
        return pyotp.random_base32()

    def uri(self, secret: str, name: str) -> str:
        """Return what an authenticator reads from a QR code."""
        return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=self._issuer)

    def seal(self, secret: str, now: float) -> str:
        """Return a secret as it is kept."""
        return self._sealer.seal({"secret": secret}, now)

    def step_of(self, secret: str, code: str, now: float) -> int | None:
        """Return the time step that a code is of: now, the one before or the one after; None for a wrong code."""
        totp, step = pyotp.TOTP(secret), int(now) // STEP_SECONDS
        for candidate in (step, step - 1, step + 1):
            if hmac.compare_digest(totp.generate_otp(candidate).encode(), code.encode("utf-8", "surrogatepass")):
                return candidate
        return None

    def use(self, user: LocalUser, code: str, now: float) -> LocalUser | None:
        """Use a code of a user's authenticator, or a recovery code; return the user as they are to be kept then, None for a wrong code."""
        typed = code.replace(" ", "").replace("-", "").lower()
        opened = self._sealer.open(user.totp, now)
        step = self.step_of(opened["secret"], typed, now) if opened else None
        if opened and step is not None and step > user.totp_step:
            return user.with_(totp_step=step, totp=self.seal(opened["secret"], now))  # by the newest key
        digest = self._digest(user, typed)
        if digest in user.recovery:
            return user.with_(recovery=tuple(left for left in user.recovery if left != digest))
        return None

    def new_recovery_codes(self, user: LocalUser) -> tuple[list[str], tuple[str, ...]]:
        """Return new recovery codes to show once, and their digests to keep."""
        codes = ["".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH)) for _ in range(RECOVERY_CODES)]
        return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in codes], tuple(
            self._digest(user, code) for code in codes
        )

    def _digest(self, user: LocalUser, code: str) -> str:
        return hmac.new(self._key, f"{user.id}\0{code}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
