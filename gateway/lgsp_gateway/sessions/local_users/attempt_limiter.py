"""Slows down who guesses passwords, on all gateways together, and locks nobody out.

After a few failures each further attempt for a user name must wait, twice as long each time. Who has signed in before from the same
browser shows a cookie of that browser, and has a count of their own: so failures from elsewhere do not keep a person from their
account, nor all persons from theirs (OWASP, "device cookies"). Passkeys and other issuers are not counted at all: they cannot be guessed.

An attempt is counted before it is judged, so that many at once are not one; user names that do not exist are counted alike.
"""

import hashlib
import hmac

from lgsp_gateway.sessions import buckets
from lgsp_gateway.sessions.session_store import SessionStore
from lgsp_problems import Refusal

FREE_ATTEMPTS = 5
MAX_PAUSE_SECONDS = 900.0
SLOTS = 65_536
"""Counts that are kept at most, whatever names are tried; each for an hour after its last failure."""
_TRIES = 5


class AttemptLimiter:
    """Counts attempts by user name.

    Args:
        sessions: in whose bucket the counts are kept.
        key: of the gateways; user names are kept as keyed digests.
    """

    def __init__(self, sessions: SessionStore, key: bytes) -> None:
        self._sessions = sessions
        self._key = hashlib.blake2b(b"attempts to sign in", key=key, digest_size=32).digest()

    async def begin(self, name: str, device: str, now: float) -> None:
        """Count an attempt that begins.

        Args:
            name: of the user.
            device: the id of a browser that this user has signed in with before; "" for another one.
            now: seconds since 1970.

        Raises:
            Refusal: `too-many-attempts`, where it comes too early; `bus-unavailable`.
        """
        key = self._slot(name, device)
        for _ in range(_TRIES):
            stored = await buckets.read(self._sessions.bucket, key)
            count, allowed = (stored.document["count"], stored.document["allowed"]) if stored else (0, 0.0)
            if now < allowed:
                raise _too_early(allowed - now)
            over = count + 1 - FREE_ATTEMPTS
            pause = min(2.0 ** min(over, 20), MAX_PAUSE_SECONDS) if over >= 0 else 0.0
            document = {"count": count + 1, "allowed": now + pause}
            if await buckets.replace(self._sessions.bucket, key, document, stored.revision if stored else 0):
                return
        raise _too_early(1)

    async def succeeded(self, name: str, device: str) -> None:
        """Forget the failures before an attempt that succeeded.

        Raises:
            Refusal: `bus-unavailable`.
        """
        await buckets.delete(self._sessions.bucket, self._slot(name, device))

    def _slot(self, name: str, device: str) -> str:
        digest = hmac.new(self._key, f"{name}\0{device}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        return f"attempts.{int.from_bytes(digest[:8]) % SLOTS}" if not device else f"attempts.{digest.hex()}"


def _too_early(seconds: float) -> Refusal:
    wait = max(1, round(seconds))
    return Refusal(
        "too-many-attempts",
        vi=f"Đã nhập sai nhiều lần; hãy thử lại sau {wait} giây, hoặc đăng nhập bằng khóa truy cập (passkey).",
        en=f"Too many wrong attempts; try again in {wait} seconds, or sign in with a passkey.",
        retry_after=wait,
    )
