"""What the owner of an endpoint may do to it, what of that operators may (`delivery.decisions`), and the security event that each change
leaves. Each is in the history of the endpoint too (`delivery.change_history`).

What an operator paused stays paused: until an operator lets it go on, its owner may neither delete it, lead it elsewhere, nor make another one
for the same server.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import uuid_utils
from yarl import URL

from lgsp_auth.principal import OPERATOR, Principal
from lgsp_contracts import names
from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery.change_history import Change, Details, History, extended
from lgsp_gateway.delivery.decisions import (
    Decision,
    Owner,
    log_decision,
    managing_owner,
    receiver,
    require_operator_where_stopped,
    require_owner,
    require_same_side,
)
from lgsp_gateway.delivery.webhooks.egress_urls import EgressUrls
from lgsp_gateway.delivery.webhooks.endpoint import (
    DEFAULT_CONCURRENCY,
    DEFAULT_RATE,
    MAX_CONCURRENCY,
    MAX_ENDPOINTS,
    MAX_RATE,
    MAX_SECRETS,
    Endpoint,
    Secret,
)
from lgsp_gateway.delivery.webhooks.endpoint_store import EndpointStore
from lgsp_gateway.delivery.webhooks.endpoints import Endpoints
from lgsp_gateway.delivery.webhooks.resolver import WebhookResolvers
from lgsp_gateway.delivery.webhooks.signatures import new_secret_value
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import NotFound, Refusal, RevisionConflict
from lgsp_runtime.security_events import SecurityLog

DEFAULT_OVERLAP_HOURS = 24
MAX_OVERLAP_HOURS = 7 * 24


class EndpointChange(NamedTuple):
    """The members of an endpoint to set; None leaves one as it is."""

    url: str | None = None
    concurrency: int | None = None
    rate: float | None = None


class EndpointAdministration:
    """Reads and changes endpoints for a caller: the system that owns them, people of its agency, or an operator. To others they do not exist."""

    def __init__(
        self,
        store: EndpointStore,
        urls: EgressUrls,
        resolvers: WebhookResolvers,
        security: SecurityLog,
        registry: RegistrySnapshot,
    ) -> None:
        self._store = store
        self._registry = registry
        self._urls = urls
        self._resolvers = resolvers
        self._security = security
        self._creating: defaultdict[SystemName, asyncio.Lock] = defaultdict(asyncio.Lock)
        """One endpoint of a system is made at a time, or their number would have no bound."""
        self.uses: list[Callable[[str], str]] = []
        """Each returns what still sends to an endpoint, by the endpoint's id: the id of a subscription; "" for nothing."""

    @property
    def endpoints(self) -> Endpoints:
        """Return the endpoints that exist now."""
        return self._store.endpoints

    def visible_to(self, caller: Principal, system: str = "") -> list[Endpoint]:
        """Return the endpoints that a caller may see, by system and name.

        Args:
            system: only those of a system; "" for all.
        """
        if caller.has_role(OPERATOR):
            return self.endpoints.of_system(SystemName(system)) if system else self.endpoints.all()
        named = self.endpoints.of_system(SystemName(system)) if system else self.endpoints.all()
        return [one for one in named if receiver(self._registry, one.system).includes(caller)]

    def find(self, caller: Principal, endpoint_id: str) -> Endpoint:
        """Return an endpoint by its id, or for its own system by its name.

        Raises:
            NotFound: there is none, or the caller may not know of it.
        """
        named = self.endpoints.find_named(SystemName(caller.own_system), endpoint_id)
        endpoint = self.endpoints.find(endpoint_id) or named
        if endpoint is None or not self._may_see(caller, endpoint.system):
            if caller.has_role(OPERATOR):
                raise NotFound(
                    vi="Không có điểm nhận webhook nào có mã này. Người vận hành nêu mã chứ không nêu tên, vì mỗi hệ thống tự đặt tên; hãy lấy mã bằng `lgsp endpoints list --system SYSTEM`.",
                    en="There is no webhook endpoint with this id. An operator names the id, not the name, since each system chooses names of its own; `lgsp endpoints list --system SYSTEM` shows the id.",
                )
            raise NotFound(
                vi="Không có điểm nhận webhook này, hoặc bạn không được xem; hãy kiểm tra mã bằng `lgsp endpoints list`.",
                en="There is no such webhook endpoint, or you may not see it; check the id with `lgsp endpoints list`.",
            )
        return endpoint

    def history(self, caller: Principal, endpoint_id: str) -> History:
        """Return who changed an endpoint, the oldest change first; also of one that was deleted in the last 30 days, by its id.

        Raises:
            NotFound: there was none, or the caller may not know of it.
        """
        deleted = self._store.deletions.find(endpoint_id)
        if deleted is not None and self._may_see(caller, deleted.system):
            return deleted.history
        return self.find(caller, endpoint_id).history

    def _owner(self, endpoint: Endpoint) -> Owner:
        return receiver(self._registry, endpoint.system)

    def _may_see(self, caller: Principal, system: SystemName) -> bool:
        return caller.has_role(OPERATOR) or receiver(self._registry, system).includes(caller)

    async def create(self, caller: Principal, system: str, name: str, given: EndpointChange) -> Endpoint:
        """Create an endpoint of a system, with its first secret.

        Args:
            system: whose; "" for the calling system.
            given: its URL and limits; limits that are None have their defaults.

        Raises:
            UrlNotAllowed: the bus sends nothing there.
            Refusal: `malformed`, `not-granted`, `already-exists`, `step-not-allowed` (it has too many, or an operator paused one for the
                same server) or `bus-unavailable`.
        """
        owner = managing_owner(caller, self._registry, system)
        names.endpoint_name(name)
        _check_limits(given)
        url = await self._check_url(given.url or "", owner)
        self._refuse_stopped_server(caller, owner, url)
        async with self._creating[owner]:
            stored = await self._create(caller, owner, name, url, given)
        self._log(caller, stored, "webhook-endpoint-created")
        return stored

    async def _create(
        self, caller: Principal, owner: SystemName, name: str, url: str, given: EndpointChange
    ) -> Endpoint:
        if self.endpoints.find_named(owner, name):
            raise _name_taken()
        if len(self.endpoints.of_system(owner)) >= MAX_ENDPOINTS:
            raise Refusal(
                "step-not-allowed",
                vi=f"Mỗi hệ thống có tối đa {MAX_ENDPOINTS} điểm nhận webhook; hãy xóa bớt điểm nhận không dùng.",
                en=f"A system has at most {MAX_ENDPOINTS} webhook endpoints; delete those that are not used.",
            )
        now = time.time()
        endpoint = Endpoint(
            id=str(uuid_utils.uuid7()),
            name=name,
            system=owner,
            url=url,
            secrets=(_new_secret(now),),
            concurrency=given.concurrency or DEFAULT_CONCURRENCY,
            rate=given.rate or DEFAULT_RATE,
            created_at=now,
            history=self._store.history_before(owner, name),
        )
        details = {
            "id": endpoint.id,
            "url": url,
            "concurrency": endpoint.concurrency,
            "rate": endpoint.rate,
            "secret": endpoint.secrets[0].id,
        }
        endpoint = _recorded(endpoint, "created", Decision.of(caller, receiver(self._registry, owner), ""), details)
        try:
            return await self._store.write(endpoint)
        except RevisionConflict as error:
            raise _name_taken() from error

    async def change(
        self, caller: Principal, endpoint_id: str, given: EndpointChange, revision: int | None = None
    ) -> Endpoint:
        """Change the URL or limits of an endpoint.

        Args:
            revision: that the change was made from; None for the newest.

        Raises:
            UrlNotAllowed: the bus sends nothing there.
            Refusal: `not-found`, `not-granted`, `malformed`, `revision-conflict` or `bus-unavailable`.
        """
        endpoint = self._found_own(caller, endpoint_id, revision)
        _check_limits(given)
        url = endpoint.url
        if given.url is not None:
            require_operator_where_stopped(caller, self._owner(endpoint), endpoint.stopped)
            url = await self._check_url(given.url, endpoint.system)
            self._refuse_stopped_server(caller, endpoint.system, url)
        changed = replace(
            endpoint,
            url=url,
            concurrency=given.concurrency or endpoint.concurrency,
            rate=given.rate or endpoint.rate,
        )
        details = {
            name: getattr(changed, name)
            for name in ("url", "concurrency", "rate")
            if getattr(changed, name) != getattr(endpoint, name)
        }
        return await self._write(caller, changed, "changed", Decision.of(caller, self._owner(endpoint), ""), details)

    async def delete(self, caller: Principal, endpoint_id: str, reason: str = "", revision: int | None = None) -> None:
        """Delete an endpoint; nothing is sent there any more.

        Args:
            reason: why; needed of an operator.

        Raises:
            Refusal: `not-found`, `malformed`, `step-not-allowed` (an operator paused it), `in-use`, `revision-conflict` or `bus-unavailable`.
        """
        endpoint = self._found(caller, endpoint_id, revision)
        owner = self._owner(endpoint)
        require_operator_where_stopped(caller, owner, endpoint.stopped)
        decision = Decision.of(caller, owner, reason)
        if using := next(filter(None, (used_by(endpoint.id) for used_by in self.uses)), ""):
            raise Refusal(
                "in-use",
                vi=f"Đăng ký nhận {using} còn dùng điểm nhận này; hãy sửa hoặc xóa đăng ký đó trước.",
                en=f"The subscription {using} uses this endpoint; change or delete that subscription first.",
            )
        await self._store.delete(endpoint, decision)
        self._log(caller, endpoint, "webhook-endpoint-deleted", reason)

    async def pause(self, caller: Principal, endpoint_id: str, reason: str) -> Endpoint:
        """Stop sending to an endpoint; what is due waits.

        Args:
            reason: why; needed of an operator.

        Raises:
            Refusal: `not-found`, `malformed`, `step-not-allowed` (the other side paused it), `revision-conflict` or `bus-unavailable`.
        """
        endpoint = self.find(caller, endpoint_id)
        require_same_side(caller, self._owner(endpoint), endpoint.stopped)
        decision = Decision.of(caller, self._owner(endpoint), reason)
        paused = replace(endpoint, state="paused", decision=decision)
        return await self._write(caller, paused, "paused", decision)

    async def resume(self, caller: Principal, endpoint_id: str, reason: str = "") -> Endpoint:
        """Send to a paused endpoint again.

        Args:
            reason: why; needed of an operator.

        Raises:
            Refusal: `not-found`, `malformed`, `step-not-allowed` (the other side paused it), `revision-conflict` or `bus-unavailable`.
        """
        endpoint = self.find(caller, endpoint_id)
        require_same_side(caller, self._owner(endpoint), endpoint.stopped)
        decision = Decision.of(caller, self._owner(endpoint), reason)
        resumed = replace(endpoint, state="active", decision=decision)
        return await self._write(caller, resumed, "resumed", decision)

    async def rotate_secret(self, caller: Principal, endpoint_id: str, overlap_hours: float) -> Endpoint:
        """Give an endpoint a new secret, the first of `secrets`; those from before sign beside it for some hours.

        Raises:
            Refusal: `not-found`, `not-granted`, `malformed`, `step-not-allowed`, `revision-conflict` or `bus-unavailable`.
        """
        endpoint, now = self._found_own(caller, endpoint_id), time.time()
        if not 0 <= overlap_hours <= MAX_OVERLAP_HOURS:
            raise Refusal(
                "malformed",
                vi=f"Khóa cũ còn hiệu lực (overlapHours) được từ 0 đến {MAX_OVERLAP_HOURS} giờ; hãy sửa lại.",
                en=f"Former secrets may count (overlapHours) for 0 to {MAX_OVERLAP_HOURS} hours more; correct it.",
            )
        ends = now + overlap_hours * 3600
        former = [one for one in endpoint.secrets if one.signs(now)] if overlap_hours else []
        if len(former) >= MAX_SECRETS:
            raise Refusal(
                "step-not-allowed",
                vi=f"Điểm nhận đang có {MAX_SECRETS} khóa cùng hiệu lực; hãy xóa khóa cũ không dùng nữa bằng `lgsp endpoints remove-secret` rồi thử lại.",
                en=f"The endpoint has {MAX_SECRETS} secrets in force; remove the former ones that are not used with `lgsp endpoints remove-secret`, and try again.",
            )
        ending = tuple(replace(one, expires_at=min(one.expires_at or ends, ends)) for one in former)
        rotated = replace(endpoint, secrets=(_new_secret(now), *ending))
        details = {"secret": rotated.secrets[0].id, "overlapHours": overlap_hours}
        return await self._write(
            caller, rotated, "secret-rotated", Decision.of(caller, self._owner(endpoint), ""), details
        )

    async def remove_secret(self, caller: Principal, endpoint_id: str, secret_id: str) -> Endpoint:
        """End a former secret at once.

        Raises:
            Refusal: `not-found`, `not-granted`, `malformed` for the newest, `revision-conflict` or `bus-unavailable`.
        """
        endpoint = self._found_own(caller, endpoint_id)
        if not any(one.id == secret_id for one in endpoint.secrets):
            raise NotFound(
                vi="Điểm nhận không có khóa này; hãy xem các khóa bằng `lgsp endpoints show`.",
                en="The endpoint has no such secret; see its secrets with `lgsp endpoints show`.",
            )
        if endpoint.secrets[0].id == secret_id:
            raise Refusal(
                "malformed",
                vi="Đây là khóa đang ký; hãy tạo khóa mới bằng `lgsp endpoints rotate-secret` trước.",
                en="This is the secret that signs; make a new one with `lgsp endpoints rotate-secret` first.",
            )
        left = tuple(one for one in endpoint.secrets if one.id != secret_id)
        removed, decision = replace(endpoint, secrets=left), Decision.of(caller, self._owner(endpoint), "")
        return await self._write(caller, removed, "secret-removed", decision, {"secret": secret_id})

    async def _check_url(self, text: str, system: SystemName) -> str:
        return str(await self._urls.check_with_name(text, self._resolvers.of(system)))

    def _found(self, caller: Principal, endpoint_id: str, revision: int | None) -> Endpoint:
        endpoint = self.find(caller, endpoint_id)
        if revision is not None and revision != endpoint.revision:
            raise RevisionConflict(
                vi="Điểm nhận vừa được sửa; hãy đọc lại và gửi If-Match của bản mới nhất.",
                en="The endpoint has been changed; read it again and send the If-Match of its newest version.",
            )
        return endpoint

    def _found_own(self, caller: Principal, endpoint_id: str, revision: int | None = None) -> Endpoint:
        endpoint = self._found(caller, endpoint_id, revision)
        require_owner(caller, self._owner(endpoint))
        return endpoint

    def _refuse_stopped_server(self, caller: Principal, owner: SystemName, url: str) -> None:
        """Refuse an endpoint for a server to which an operator has stopped another endpoint of its system."""
        server = URL(url).origin()
        for one in self.endpoints.of_system(owner):
            if URL(one.url).origin() == server:
                require_operator_where_stopped(caller, receiver(self._registry, owner), one.stopped)

    async def _write(
        self, caller: Principal, endpoint: Endpoint, step: str, decision: Decision, details: Details | None = None
    ) -> Endpoint:
        stored = await self._store.write(_recorded(endpoint, step, decision, details or {}))
        self._log(caller, stored, _ACTIONS[step], decision.reason)
        return stored

    def _log(self, caller: Principal, endpoint: Endpoint, action: str, reason: str = "") -> None:
        log_decision(
            self._security,
            caller,
            action,
            f"The webhook endpoint {endpoint.name} of {endpoint.system}: {action.removeprefix('webhook-')}",
            f"{endpoint.system}/{endpoint.name}",
            reason,
        )


_ACTIONS = {
    "changed": "webhook-endpoint-changed",
    "paused": "webhook-endpoint-paused",
    "resumed": "webhook-endpoint-resumed",
    "secret-rotated": "webhook-secret-rotated",
    "secret-removed": "webhook-secret-removed",
}
"""The security event of each step that changes an endpoint."""


def _recorded(endpoint: Endpoint, step: str, decision: Decision, details: Details) -> Endpoint:
    """Return an endpoint whose history tells of a change."""
    return replace(endpoint, history=extended(endpoint.history, Change(step, decision, details)))


def _check_limits(given: EndpointChange) -> None:
    concurrency = 1 if given.concurrency is None else given.concurrency
    rate = 1 if given.rate is None else given.rate
    if not (1 <= concurrency <= MAX_CONCURRENCY and 0.1 <= rate <= MAX_RATE):
        raise Refusal(
            "malformed",
            vi=f"concurrency phải từ 1 đến {MAX_CONCURRENCY} và rate từ 0.1 đến {MAX_RATE:.0f} yêu cầu mỗi giây; hãy sửa lại.",
            en=f"concurrency must be from 1 to {MAX_CONCURRENCY}, and rate from 0.1 to {MAX_RATE:.0f} requests per second; correct them.",
        )


def _name_taken() -> Refusal:
    return Refusal(
        "already-exists",
        vi="Hệ thống đã có điểm nhận webhook tên này; hãy chọn tên khác, hoặc sửa điểm nhận đó. Nếu đã mất khóa của nó, hãy tạo khóa mới bằng `lgsp endpoints rotate-secret`.",
        en="The system has a webhook endpoint of this name already; choose another name, or change that endpoint. Where its secret was lost, make a new one with `lgsp endpoints rotate-secret`.",
    )


def _new_secret(now: float) -> Secret:
    return Secret(str(uuid_utils.uuid7()), new_secret_value(), now)
