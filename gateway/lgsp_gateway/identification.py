"""Who is there: the system behind an access token, and the person on whose behalf it calls.

One place for every door. A token signed by a key that is not known yet is tried once more after its issuer was asked.
"""

from collections.abc import Callable
from typing import TypeVar

from lgsp_auth.tokens import Person, UnknownKey, Verifier, invalid_token
from lgsp_gateway.registry.state import Registry, System

T = TypeVar("T")


class Identification:
    """Verifies tokens and looks their holders up."""

    def __init__(self, verifier: Verifier, registry: Registry) -> None:
        self._verifier = verifier
        self._registry = registry

    async def system(self, authorization: str | None, now: float) -> System:
        """The registered system that holds a bearer token.

        Raises:
            Refusal: `token-invalid`.
        """
        try:
            identity = self._verifier.verify(authorization, now)
        except UnknownKey as unknown:
            identity = await _again(unknown, lambda: self._verifier.verify(authorization, now))
        system = self._registry.systems.get(identity.system)
        if system is None:
            raise invalid_token("thuộc về hệ thống không còn đăng ký", "belongs to a system that is not registered")
        return system

    async def person(self, token: str, now: float) -> Person:
        """The person whom a token speaks of.

        Raises:
            Refusal: `token-invalid`.
        """
        try:
            return self._verifier.verify_person(token, now)
        except UnknownKey as unknown:
            return await _again(unknown, lambda: self._verifier.verify_person(token, now))


async def _again(unknown: UnknownKey, verify: Callable[[], T]) -> T:
    if not await unknown.refresh():
        raise unknown
    return verify()
