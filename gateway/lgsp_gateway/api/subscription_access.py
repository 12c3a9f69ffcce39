"""Which subscriptions a caller sees: a system its own, people those of their agency's systems, an operator all. To others they do not exist."""

from collections.abc import Callable
from functools import partial

from aiohttp import web

from lgsp_auth.principal import OPERATOR, Principal
from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery.change_history import History
from lgsp_gateway.delivery.decisions import receiver
from lgsp_gateway.delivery.subscriptions.model import Subscription, SubscriptionId
from lgsp_gateway.delivery.subscriptions.store import SubscriptionStore
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.parameter_types import message_id_parameter
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import NotFound

SUBSCRIPTION = message_id_parameter("subscription", "the id of the subscription", location="path")


class SubscriptionAccess:
    """Finds the subscriptions that callers name."""

    def __init__(self, callers: CallerAuthenticator, store: SubscriptionStore, registry: RegistrySnapshot) -> None:
        self._callers = callers
        self._registry = registry
        self._store = store

    async def identify(self, request: web.Request) -> Principal:
        """Return the caller."""
        return await self._callers.identify(request)

    async def visible(self, request: web.Request, system: str) -> tuple[Principal, list[Subscription]]:
        """Return the caller and the subscriptions that it sees, oldest first.

        Args:
            system: only those of this system; "" for all.
        """
        caller = await self._callers.identify(request)
        named = self._store.of(SystemName(system)) if system else self._store
        return caller, [one for one in named if self._may_see_one(caller, one)]

    async def find(self, request: web.Request) -> tuple[Principal, Subscription]:
        """Return the caller and the subscription that a path names, for its owner and for operators.

        Raises:
            Refusal: `not-found`.
        """
        caller = await self._callers.identify(request)
        return caller, self._find(request, partial(self._may_see_one, caller))

    async def history(self, request: web.Request) -> History:
        """Return who changed the subscription that a path names, for its owner and for operators; it may have been deleted lately.

        Raises:
            Refusal: `not-found`.
        """
        caller = await self._callers.identify(request)
        deleted = self._store.deletions.find(SUBSCRIPTION.read_from(request))
        if deleted is not None and self._may_see(caller, deleted.system):
            return deleted.history
        return self._find(request, partial(self._may_see_one, caller)).history

    async def find_own(self, request: web.Request) -> Subscription:
        """Return the subscription that a path names, for its system alone: it receives people's data by it.

        Raises:
            Refusal: `not-found`.
        """
        caller = await self._callers.identify(request)
        return self._find(request, lambda one: caller.is_system(one.consumer))

    def is_owner(self, caller: Principal, subscription: Subscription) -> bool:
        """Tell whether a caller may decide everything about a subscription."""
        return receiver(self._registry, subscription.consumer).includes(caller)

    def _may_see(self, caller: Principal, system: SystemName) -> bool:
        return caller.has_role(OPERATOR) or receiver(self._registry, system).includes(caller)

    def _may_see_one(self, caller: Principal, subscription: Subscription) -> bool:
        return self._may_see(caller, subscription.consumer)

    def _find(self, request: web.Request, may_see: Callable[[Subscription], bool]) -> Subscription:
        subscription = self._store.get(SubscriptionId(SUBSCRIPTION.read_from(request)))
        if subscription is None or not may_see(subscription):
            raise NotFound(
                vi="Không có đăng ký nhận này; hãy xem danh sách ở /subscriptions.",
                en="There is no such subscription; see the list at /subscriptions.",
            )
        return subscription
