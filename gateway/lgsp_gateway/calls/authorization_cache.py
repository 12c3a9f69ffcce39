"""Remembers which calls may be made, until the registry changes or a grant ends.

A revoked grant counts for no further call: what was decided on another revision of the registry is decided anew. Nothing is thrown
away when the registry changes, which would keep everybody waiting; what is remembered longest makes room.
"""

from collections import OrderedDict

from lgsp_gateway.calls.authorize import AuthorizedCall, UnauthorizedCall, authorize
from lgsp_gateway.calls.model import CallTarget
from lgsp_gateway.registry.snapshot import RegistrySnapshot

MAX_REMEMBERED = 50_000
"""Calls that are remembered; about 10 MB when full."""


class AuthorizationCache:
    """The calls that callers have been authorized to make lately."""

    def __init__(self, registry: RegistrySnapshot) -> None:
        self._registry = registry
        self._known: OrderedDict[tuple[str, CallTarget], AuthorizedCall] = OrderedDict()

    def recall(self, consumer: str, target: CallTarget, now: float) -> AuthorizedCall | None:
        """Return what was decided on a call before; None where it must be decided anew.

        A clock that was ahead for a moment has let nobody in early for good: a grant's first day counts here too.
        """
        call = self._known.get((consumer, target))
        if call is None or call.revision != self._registry.revision:
            return None
        return call if call.since <= now < call.until else None

    def authorize(self, consumer: str, target: CallTarget, now: float) -> AuthorizedCall | UnauthorizedCall:
        """Decide on a call, and remember it where it holds until the registry changes."""
        call = authorize(consumer, target, self._registry, now)
        if isinstance(call, AuthorizedCall) and not self._registry.may_be_suspended(call.contract):
            self._known[consumer, target] = call
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return call
