"""Sessions of citizens in a browser, apart from those of the people who work with the bus.

A citizen is registered nowhere and has no role. Of the number that their issuer vouched for, only the pseudonym and the last three
characters are kept, and only for as long as the session: by the one the evidence is searched, the others are shown on the page.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from lgsp_auth.id_token import VerifiedIdToken
from lgsp_gateway.keys.removed_keys import key_id
from lgsp_gateway.sessions import buckets
from lgsp_gateway.sessions.oidc_client import failed
from lgsp_gateway.sessions.session_store import SessionStore, id_of

CITIZEN_SECONDS: Final = 30 * 60
"""How long a session of a citizen lasts, however much it is used: such pages are opened on shared computers."""

SHOWN_CHARACTERS: Final = 3
"""Of the number, which tell two who share a computer apart, and nobody else anything."""

_PREFIX = "lgsp_citizen_"
_PLACE = "citizen."


class CitizenSession(NamedTuple):
    """Whom a browser speaks for, as the pseudonym of their number, until when (seconds since 1970), the issuer that they signed in
    with, and the last characters of their number, by which they notice that somebody else is signed in; "" where that was not kept."""

    pseudonym: str
    expires: float
    issuer: str = ""
    number_end: str = ""


class CitizenSessions:
    """Begins, finds and ends the sessions of citizens.

    Args:
        store: the open store of sessions, in whose bucket they are kept.
        pseudonym_of: returns the pseudonym of a personal number.
        key_has_ended: tells whether an issuer has removed the key of an id that signed an ID token.
    """

    def __init__(
        self,
        store: SessionStore,
        pseudonym_of: Callable[[str], str],
        key_has_ended: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._store = store
        self._pseudonym_of = pseudonym_of
        self._key_has_ended = key_has_ended

    async def begin(self, identity: VerifiedIdToken, now: float) -> str:
        """Begin the session of a citizen whose issuer vouches for their number, and return its token.

        Args:
            now: seconds since 1970.

        Raises:
            Refusal: `sign-in-failed`, where the ID token names no citizen; `bus-unavailable`.
        """
        if not identity.number:
            raise failed(
                "bên cấp không cho biết số định danh của bạn; hãy cho phép chia sẻ số định danh rồi thử lại",
                "the issuer did not give your personal number; allow it to be shared and try again",
            )
        token = _PREFIX + secrets.token_urlsafe(32)
        document: dict[str, Any] = {
            "pseudonym": self._pseudonym_of(identity.number),
            "expires": now + CITIZEN_SECONDS,
            "issuer": identity.account.issuer,
            "numberEnd": identity.number[-SHOWN_CHARACTERS:],
            "key": key_id(identity.account.issuer, identity.key),
        }
        await buckets.write(self._store.bucket, _key_of(token), document)
        return token

    async def find(self, token: str, now: float) -> CitizenSession | None:
        """Find the session of a token; None where there is none, or none any more.

        Args:
            now: seconds since 1970.

        Raises:
            Refusal: `bus-unavailable`.
        """
        if not token.startswith(_PREFIX):
            return None
        stored = await buckets.read(self._store.bucket, _key_of(token))
        if stored is None or now >= stored.document["expires"] or await self._key_has_ended(stored.document["key"]):
            return None
        kept = stored.document
        return CitizenSession(kept["pseudonym"], kept["expires"], kept.get("issuer", ""), kept.get("numberEnd", ""))

    async def end(self, token: str) -> None:
        """End the session of a token, if there is one.

        Raises:
            Refusal: `bus-unavailable`.
        """
        await self.end_by_id(self.id_of(token))

    async def end_by_id(self, session: str) -> None:
        """End the session of an id, if there is one.

        Args:
            session: the id; "" for none.

        Raises:
            Refusal: `bus-unavailable`.
        """
        if session:
            await buckets.delete(self._store.bucket, _PLACE + session)

    @staticmethod
    def id_of(token: str) -> str:
        """Return the id of the session of a token; "" where it is none of a citizen."""
        return id_of(token) if token.startswith(_PREFIX) else ""


def _key_of(token: str) -> str:
    return _PLACE + id_of(token)
