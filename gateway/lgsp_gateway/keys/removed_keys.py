"""Ends what a signing key has signed when its issuer stops using it.

A verified token is remembered until it expires, so a key that is gone would otherwise count for an hour more; and a connection to
NATS keeps what it was given when it came in. Here each gateway looks at the keys of all issuers again and again, forgets the
tokens of a key that is gone, and can say of a NATS connection whether the key behind it still counts.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Protocol

from lgsp_auth.tokens import Verifier

_ISSUER_DIGITS = 8
_KEY_DIGITS = 16
MAX_KNOWN_REMOVED = 10_000
"""Keys known to be gone; somebody else's issuer may publish new ones for ever."""


class KeySource(Protocol):
    """The keys of one issuer."""

    issuer: str
    """Its exact `iss`."""
    on_removed: Callable[[str], None] | None
    """Told the thumbprint of a key that is gone."""

    @property
    def thumbprints(self) -> Collection[str]:
        """The RFC 7638 thumbprints of its keys."""

    async def refresh(self) -> bool:
        """Look again; False where that was not possible, or was done just now."""


def key_id(issuer: str, thumbprint: str) -> str:
    """Return what stands for a key of an issuer in the name of a NATS user: 24 hexadecimal digits, of which the first 8 are the
    issuer's."""
    issuers = hashlib.sha256(issuer.encode()).hexdigest()[:_ISSUER_DIGITS]
    return issuers + hashlib.sha256(f"{issuer}\n{thumbprint}".encode()).hexdigest()[:_KEY_DIGITS]


class RemovedKeys:
    """The keys that sign tokens, watched.

    Args:
        sources: the keys of every issuer that this gateway trusts.
        verifier: remembers the tokens that they have signed.
    """

    def __init__(self, sources: Sequence[KeySource], verifier: Verifier) -> None:
        self._sources = {key_id(source.issuer, "")[:_ISSUER_DIGITS]: source for source in sources}
        self._verifier = verifier
        self._removed: dict[str, None] = {}
        self._listeners: list[Callable[[str, str], None]] = []
        for source in sources:
            source.on_removed = partial(self._forget, source.issuer)

    def on_removed(self, listener: Callable[[str, str], None]) -> None:
        """Call a function after each removal, with the `iss` of the issuer and the key's thumbprint."""
        self._listeners.append(listener)

    async def has_ended(self, key: str) -> bool:
        """Tell whether a key signs no more, so that what it let in must end.

        A key that this gateway does not know may be newer than what it has read: then it looks again. While it cannot, as
        when an issuer is down, the key counts.

        Args:
            key: its `key_id`.
        """
        source = self._sources.get(key[:_ISSUER_DIGITS])
        if source is None or key in self._removed:
            return True
        if self._holds(source, key) or not await source.refresh() or self._holds(source, key):
            return False
        self._note(key)
        return True

    def _holds(self, source: KeySource, key: str) -> bool:
        return any(key_id(source.issuer, thumbprint) == key for thumbprint in source.thumbprints)

    def _forget(self, issuer: str, thumbprint: str) -> None:
        self._verifier.forget_key(issuer, thumbprint)
        self._note(key_id(issuer, thumbprint))
        for listener in self._listeners:
            listener(issuer, thumbprint)

    def _note(self, key: str) -> None:
        while len(self._removed) >= MAX_KNOWN_REMOVED:
            del self._removed[next(iter(self._removed))]
        self._removed[key] = None
