"""Revokes what a signing key has signed when its issuer no longer publishes it.

A verified token is cached until it expires, so a removed key would otherwise stay valid for an hour more; and a connection to NATS
keeps the rights that it got at its start. Here each gateway reads the keys of all issuers again and again, drops the cached tokens of
a removed key, and can tell of a NATS connection whether the key behind it is still valid.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Protocol

from lgsp_auth.tokens import Verifier

_ISSUER_HEX_DIGITS = 8
_KEY_HEX_DIGITS = 16
MAX_REMOVED_KEYS = 10_000
"""Removed keys that are remembered; another issuer may publish new ones for ever."""


class KeySource(Protocol):
    """The keys of one issuer."""

    issuer: str
    """Its exact `iss`."""
    on_removed: Callable[[str], None] | None
    """Called with the thumbprint of a key that was removed."""

    @property
    def thumbprints(self) -> Collection[str]:
        """Return the thumbprints (RFC 7638) of its keys."""

    async def refresh(self) -> bool:
        """Read the keys again, and return whether they were read; False where that was not possible, or was done just now."""


def key_id(issuer: str, thumbprint: str) -> str:
    """Return the identifier of a key in the names of NATS users: 24 hexadecimal digits, of which the first 8 identify the issuer.

    Args:
        issuer: its exact `iss`.
        thumbprint: of the key (RFC 7638).
    """
    issuer_part = hashlib.sha256(issuer.encode()).hexdigest()[:_ISSUER_HEX_DIGITS]
    return issuer_part + hashlib.sha256(f"{issuer}\n{thumbprint}".encode()).hexdigest()[:_KEY_HEX_DIGITS]


class RemovedKeys:
    """Watches the keys of all trusted issuers, and remembers which were removed.

    Args:
        sources: the keys of every issuer that this gateway trusts.
        verifier: caches the tokens that they have signed.
    """

    def __init__(self, sources: Sequence[KeySource], verifier: Verifier) -> None:
        self._sources = {key_id(source.issuer, "")[:_ISSUER_HEX_DIGITS]: source for source in sources}
        self._verifier = verifier
        self._removed: dict[str, None] = {}
        self._listeners: list[Callable[[str, str], None]] = []
        for source in sources:
            source.on_removed = partial(self._on_key_removed, source.issuer)

    def on_removed(self, listener: Callable[[str, str], None]) -> None:
        """Register a function to be called after each removal with the `iss` of the issuer and the thumbprint of the key."""
        self._listeners.append(listener)

    async def has_ended(self, key: str) -> bool:
        """Tell whether a key was removed, so that connections which were authenticated with it must be closed.

        A key that this gateway does not know may be newer than what it has read: then it reads again. While it cannot, as
        when an issuer is down, the key counts as valid.

        Args:
            key: the result of `key_id`.
        """
        source = self._sources.get(key[:_ISSUER_HEX_DIGITS])
        if source is None or self.is_removed(key):
            return True
        if self._publishes(source, key) or not await source.refresh() or self._publishes(source, key):
            return False
        self._remember(key)
        return True

    def is_removed(self, key: str) -> bool:
        """Tell whether this gateway has noticed the removal of a key, without reading the keys again.

        Args:
            key: the result of `key_id`.
        """
        return key in self._removed

    def _publishes(self, source: KeySource, key: str) -> bool:
        return any(key_id(source.issuer, thumbprint) == key for thumbprint in source.thumbprints)

    def _on_key_removed(self, issuer: str, thumbprint: str) -> None:
        self._verifier.forget_key(issuer, thumbprint)
        self._remember(key_id(issuer, thumbprint))
        for listener in self._listeners:
            listener(issuer, thumbprint)

    def _remember(self, key: str) -> None:
        while len(self._removed) >= MAX_REMOVED_KEYS:
            del self._removed[next(iter(self._removed))]
        self._removed[key] = None
