"""What owners do with subscriptions: make, change, pause, resume, replay and delete them; and what of that operators may
(`delivery.decisions`). Each leaves a security event, since it decides who gets people's data, and stands in the history of the subscription.

What an operator paused stays paused: until an operator lets it go on, its owner may neither delete it nor make another one for the same events.
"""

import asyncio
import datetime
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import uuid_utils
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from lgsp_auth.principal import Principal
from lgsp_contracts.names import EventName, Major, ServiceName, SystemName
from lgsp_contracts.schemas import Schema
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.calls.quotas import Quotas
from lgsp_gateway.delivery import streams
from lgsp_gateway.delivery.change_history import Change, Details
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
from lgsp_gateway.delivery.subscriptions import schema
from lgsp_gateway.delivery.subscriptions.adapter_attempts import document_for, find_operation
from lgsp_gateway.delivery.subscriptions.authorization import authorize, authorize_all
from lgsp_gateway.delivery.subscriptions.batch_replay import BatchReplay, ReplayedBatch
from lgsp_gateway.delivery.subscriptions.example_event import example_event
from lgsp_gateway.delivery.subscriptions.filter import Filter
from lgsp_gateway.delivery.subscriptions.filter_checks import check_fields
from lgsp_gateway.delivery.subscriptions.model import (
    AdapterDelivery,
    DeliveryMethod,
    State,
    Subscription,
    SubscriptionId,
    WebhookDelivery,
    delivery_method,
)
from lgsp_gateway.delivery.subscriptions.reader import consumer_of, event_filters
from lgsp_gateway.delivery.subscriptions.replay_preview import ReplayPreview, count_events
from lgsp_gateway.delivery.subscriptions.store import SubscriptionStore
from lgsp_gateway.delivery.subscriptions.subscribed_event import project
from lgsp_gateway.delivery.webhooks.endpoints import Endpoints
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import NotFound, Refusal, RevisionConflict
from lgsp_runtime.nats import pulling
from lgsp_runtime.nats.request_reply import bus_unavailable
from lgsp_runtime.security_events import SecurityLog

MAX_SUBSCRIPTIONS = 100
"""Subscriptions of one system."""
NOW = "now"
_RECORDED = ("name", "service", "major", "events", "purpose", "delivery")
"""What the history says of a new or changed subscription; of a filter that there is one, since it may hold what its owner knows of a person."""

_CREATION = Schema(schema.CREATION, "subscription")
_CHANGE = Schema(schema.CHANGE, "subscription")
_REPLAY = Schema(schema.REPLAY, "replay")


@dataclass(frozen=True, slots=True)
class SubscriptionAdministration:
    """Carries out what owners and operators ask. Whether they may see a subscription at all is decided before."""

    store: SubscriptionStore
    registry: RegistrySnapshot
    endpoints: Endpoints
    connection: Client
    security: SecurityLog
    batches: BatchReplay
    quotas: Quotas
    _creating: defaultdict[SystemName, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    """One subscription of a system is made at a time, or their number would have no bound."""

    async def create(self, caller: Principal, body: Mapping[str, Any]) -> Subscription:
        """Make a subscription.

        Args:
            caller: the system that will receive, or a person of its agency, who names it.
            body: by `schema.CREATION`.

        Raises:
            Refusal: `contract-violation` or `malformed` (the body), what `authorize` says, `not-found` (its endpoint or operation),
                `step-not-allowed` (it has too many), `bus-unavailable`.
        """
        _check(_CREATION, body)
        consumer = managing_owner(caller, self.registry, body.get("system", ""))
        async with self._creating[consumer]:
            created = await self._create(caller, consumer, body)
        self._log(caller, created, "created")
        return created

    async def _create(self, caller: Principal, consumer: SystemName, body: Mapping[str, Any]) -> Subscription:
        if len(self.store.of(consumer)) >= MAX_SUBSCRIPTIONS:
            raise _too_many(consumer)
        now = _now()
        subscription = Subscription(
            id=SubscriptionId(str(uuid_utils.uuid7())),
            name=body["name"],
            consumer=consumer,
            service=ServiceName(body["service"]),
            major=Major(body["major"]),
            events=tuple(map(EventName, body["events"])),
            purpose=body.get("purpose", ""),
            delivery=delivery_method(body["delivery"]),
            filter=body.get("filter", ""),
            state="active",
            start=0,
            created_at=now,
            changed_at=now,
        )
        self._refuse_stopped_events(caller, subscription)
        self._check_use(subscription)
        start = await self._position(subscription, body.get("from", NOW))
        created = Change("created", Decision.of(caller, receiver(self.registry, consumer), ""), _details(body))
        return await self.store.write(subscription.changed(start=start).recorded(created))

    def _refuse_stopped_events(self, caller: Principal, subscription: Subscription) -> None:
        """Refuse a subscription to events of which an operator has stopped another subscription of the same system."""
        for one in self.store.of(subscription.consumer):
            is_same = (one.service, one.major) == (subscription.service, subscription.major)
            if is_same and set(one.events) & set(subscription.events):
                require_operator_where_stopped(caller, self._owner(subscription), one.stopped)

    async def change(
        self, caller: Principal, subscription: Subscription, body: Mapping[str, Any], expected: int | None = None
    ) -> Subscription:
        """Change name, filter or delivery.

        Args:
            body: by `schema.CHANGE`.
            expected: the revision that the change was made from; None for whichever there is.

        Raises:
            Refusal: as `create`; `not-granted`, where an operator asks; `revision-conflict`.
        """
        require_owner(caller, self._owner(subscription))
        _check(_CHANGE, body)
        fields: dict[str, Any] = {name: body[name] for name in ("name", "filter") if name in body}
        if "delivery" in body:
            fields["delivery"] = self._changed_delivery(subscription, delivery_method(body["delivery"]))
        changed = subscription.changed(**fields)
        if fields.keys() - {"name"}:
            self._check_use(changed)
        return await self._write(caller, changed, "changed", expected, details=_details(body))

    async def pause(
        self, caller: Principal, subscription: Subscription, reason: str, expected: int | None = None
    ) -> Subscription:
        """Deliver nothing from now on; events wait for as long as the contract says. A paused one stays paused.

        Args:
            reason: why; needed of an operator.

        Raises:
            Refusal: `malformed`, `step-not-allowed` (it has ended, or the other side paused it), `revision-conflict` or `bus-unavailable`.
        """
        _refuse_ended(subscription)
        return await self._decide(caller, subscription, "paused", reason, expected)

    async def resume(
        self, caller: Principal, subscription: Subscription, reason: str = "", expected: int | None = None
    ) -> Subscription:
        """Go on where the subscription was paused, or was ended by its endpoint; see `pause`."""
        return await self._decide(caller, subscription, "active", reason, expected)

    async def _decide(
        self, caller: Principal, subscription: Subscription, state: State, reason: str, expected: int | None
    ) -> Subscription:
        require_same_side(caller, self._owner(subscription), subscription.stopped)
        decision = Decision.of(caller, self._owner(subscription), reason)
        changed = subscription.changed(state=state, decision=decision)
        return await self._write(caller, changed, "paused" if state == "paused" else "resumed", expected, decision)

    async def replay(
        self, caller: Principal, subscription: Subscription, start: Any, expected: int | None = None
    ) -> Subscription:
        """Deliver again from a time, a position or now on. It counts as one call of each grant by which the subscription receives.

        Args:
            start: an ISO 8601 time, a position as events have it, or `now`.

        Raises:
            Refusal: `not-granted`, where an operator asks, and what else `authorize` says; `quota-exceeded`, `malformed`, `revision-conflict` or `bus-unavailable`.
        """
        require_owner(caller, self._owner(subscription))
        _refuse_ended(subscription)
        position = await self._position(subscription, start)
        await self._take_quotas(subscription)
        generation = subscription.generation + 1
        replayed = subscription.changed(start=position, generation=generation)
        return await self._write(caller, replayed, "replayed", expected, details={"start": position})

    async def replay_some(
        self, caller: Principal, subscription: Subscription, body: Mapping[str, Any]
    ) -> ReplayedBatch:
        """Deliver selected events again, behind those that wait. It counts as one call of each grant by which the subscription receives.

        Args:
            body: by `schema.REPLAY`.

        Raises:
            Refusal: `not-granted`, where an operator asks; `malformed`, `contract-violation`, `step-not-allowed`, what `authorize` says,
                `quota-exceeded`, `storage-quota-exceeded`, `storage-full` or `bus-unavailable`.
        """
        require_owner(caller, self._owner(subscription))
        _refuse_ended(subscription)
        _check(_REPLAY, body)
        names = tuple(map(EventName, body.get("events", subscription.events)))
        if not set(names) <= set(subscription.events):
            raise _unknown_events(subscription)
        start = await self._position(subscription, body["from"])
        end = await self._end_of(subscription, body.get("to", NOW))
        filter_ = Filter(body["filter"]) if body.get("filter") else None
        await self._take_quotas(subscription)
        replayed = await self.batches.run(subscription, start, end, names, filter_)
        self._log(caller, subscription, "replayed")
        return replayed

    async def preview_replay(
        self, caller: Principal, subscription: Subscription, start: int | str, end: int | str
    ) -> ReplayPreview:
        """Count the events that a replay would deliver again; nothing is delivered, and no quota is used.

        Args:
            start, end: as `replay_some` takes them.

        Raises:
            Refusal: `not-granted`, where an operator asks; `malformed` or `bus-unavailable`.
        """
        require_owner(caller, self._owner(subscription))
        first, last = await self._position(subscription, start), await self._end_of(subscription, end)
        return ReplayPreview(await count_events(self.connection, subscription, first, last), first, last)

    async def _take_quotas(self, subscription: Subscription) -> None:
        now = time.time()
        for grant in {grant.name: grant for grant in authorize_all(subscription, self.registry, now)}.values():
            await self.quotas.take(grant, now)

    async def _end_of(self, subscription: Subscription, end: Any) -> int:
        """Return the position of the last event up to a position (which counts) or before a time."""
        position = await self._position(subscription, end)
        return position if isinstance(end, int) else position - 1

    async def delete(
        self, caller: Principal, subscription: Subscription, reason: str = "", expected: int | None = None
    ) -> None:
        """Delete a subscription; what waits for it is not delivered.

        Args:
            reason: why; needed of an operator.

        Raises:
            Refusal: `malformed`, `step-not-allowed` (an operator paused it), `revision-conflict` or `bus-unavailable`.
        """
        _refuse_outdated(subscription, expected)
        require_operator_where_stopped(caller, self._owner(subscription), subscription.stopped)
        await self.store.delete(subscription, Decision.of(caller, self._owner(subscription), reason))
        self._log(caller, subscription, "deleted", reason)

    def _owner(self, subscription: Subscription) -> Owner:
        return receiver(self.registry, subscription.consumer)

    async def _write(
        self,
        caller: Principal,
        subscription: Subscription,
        step: str,
        expected: int | None,
        decision: Decision | None = None,
        details: Details | None = None,
    ) -> Subscription:
        _refuse_outdated(subscription, expected)
        decision = decision or Decision.of(caller, self._owner(subscription), "")
        recorded = subscription.recorded(Change(step, decision, details or {}))
        written = await self.store.write(recorded.changed(changed_at=_now()))
        self._log(caller, written, step, decision.reason)
        return written

    def _log(self, caller: Principal, subscription: Subscription, step: str, reason: str = "") -> None:
        log_decision(
            self.security,
            caller,
            f"subscription-{step}",
            f"The subscription {subscription.id} of {subscription.consumer}: {step}",
            f"{subscription.consumer}/{subscription.id}",
            reason,
        )

    def _changed_delivery(self, subscription: Subscription, delivery: DeliveryMethod) -> DeliveryMethod:
        if delivery.kind != subscription.delivery.kind:
            raise Refusal(
                "malformed",
                vi="Không đổi được cách nhận (delivery.kind) của một đăng ký; hãy tạo đăng ký mới với from là thời điểm cần nhận tiếp.",
                en="The kind of delivery of a subscription cannot be changed; make a new one, with the time to go on from in `from`.",
            )
        return delivery

    def _check_use(self, subscription: Subscription) -> None:
        """Check that a subscription may receive its events, that its filter can be true, and that there is somewhere to deliver to."""
        now = time.time()
        for name in subscription.events:
            authorized = authorize(subscription, name, self.registry, now)
            example = example_event(authorized)
            if subscription.filter:
                filter_ = Filter(subscription.filter)
                check_fields(filter_, name, authorized.event.data.document, authorized.projection)
            if isinstance(subscription.delivery, AdapterDelivery):
                _, operation = find_operation(subscription, self.registry)
                operation.check_request(document_for(subscription, project(subscription, example, authorized)))
        if isinstance(subscription.delivery, WebhookDelivery):
            endpoint = self.endpoints.find(subscription.delivery.endpoint)
            if endpoint is None or endpoint.system != subscription.consumer:
                raise NotFound(
                    vi="Không có điểm nhận này; hãy tạo bằng POST /endpoints rồi dùng id của nó.",
                    en="There is no such endpoint; create it with POST /endpoints and use its id.",
                )

    async def _position(self, subscription: Subscription, start: Any) -> int:
        """Return the position of the first event from a time, a position or now on.

        Raises:
            Refusal: `malformed` or `bus-unavailable`.
        """
        try:
            last = int((await self.connection.jetstream().stream_info(streams.EVENTS)).state.last_seq)
            if start == NOW:
                return last + 1
            if isinstance(start, int) and not isinstance(start, bool):
                return _position_until(start, last + 1)
            return await self._first_from(subscription, _time(start), last)
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error

    async def _first_from(self, subscription: Subscription, moment: datetime.datetime, last: int) -> int:
        """Return the position of the first event at or after a time, or the next one where there is none yet."""
        config = ConsumerConfig(
            name=f"find-{uuid_utils.uuid7()}",
            deliver_policy=DeliverPolicy.BY_START_TIME,
            opt_start_time=moment,
            filter_subjects=event_filters(subscription),
            ack_policy=AckPolicy.NONE,
            inactive_threshold=30,
            mem_storage=True,
        )
        async with consumer_of(self.connection.jetstream(), config) as consumer:
            if not (await consumer.consumer_info()).num_pending:
                return last + 1
            messages = await pulling.fetch(consumer, 1, 5)
            return int(messages[0].metadata.sequence.stream) if messages else last + 1


def _details(body: Mapping[str, Any]) -> Details:
    """Return what the history says of a new or changed subscription."""
    filtered = {"filtered": bool(body["filter"])} if "filter" in body else {}
    return {**{name: body[name] for name in _RECORDED if name in body}, **filtered}


def _check(compiled: Schema, body: Mapping[str, Any]) -> None:
    violations = compiled.violations(body)
    if violations:
        raise Refusal(
            "contract-violation",
            vi="Nội dung đăng ký nhận chưa đúng; hãy sửa theo danh sách lỗi.",
            en="The subscription is not valid; correct it according to the list of errors.",
            violations=violations,
        )


def _time(text: Any) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)).astimezone(datetime.UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise _odd_start() from error


def _position_until(position: int, end: int) -> int:
    """Return a position; one behind the end would pass over events that are still to come."""
    if not 0 <= position <= end:
        raise _odd_start()
    return position


def _odd_start() -> Refusal:
    return Refusal(
        "malformed",
        vi="from phải là thời điểm ISO 8601 như 2026-11-28T08:00:00+07:00, vị trí của một sự kiện đã có (số nguyên), hoặc now; hãy sửa lại.",
        en="`from` must be an ISO 8601 time such as 2026-11-28T08:00:00+07:00, the position of an event that is there (an integer), or now; correct it.",
    )


def _unknown_events(subscription: Subscription) -> Refusal:
    known = ", ".join(subscription.events)
    return Refusal(
        "malformed",
        vi=f"events chỉ được nêu các sự kiện của đăng ký này: {known}; hãy sửa lại.",
        en=f"`events` may name events of this subscription alone: {known}; correct it.",
    )


def _refuse_outdated(subscription: Subscription, expected: int | None) -> None:
    if expected is not None and expected != subscription.revision:
        raise RevisionConflict(
            vi="Đăng ký nhận này vừa được sửa; hãy đọc lại rồi gửi If-Match của bản mới nhất.",
            en="This subscription has been changed; read it again and send the If-Match of its newest version.",
        )


def _refuse_ended(subscription: Subscription) -> None:
    if subscription.state == "ended":
        raise Refusal(
            "step-not-allowed",
            vi="Đăng ký nhận này đã kết thúc vì điểm nhận trả lời 410; hãy tiếp tục (resume) trước.",
            en="This subscription has ended, since its endpoint answered 410; resume it first.",
        )


def _too_many(consumer: str) -> Refusal:
    return Refusal(
        "step-not-allowed",
        vi=f"Hệ thống {consumer} đã có {MAX_SUBSCRIPTIONS} đăng ký nhận; hãy xóa bớt hoặc gộp các sự kiện vào một đăng ký.",
        en=f"System {consumer} has {MAX_SUBSCRIPTIONS} subscriptions; delete some, or receive several events by one.",
    )


def _now() -> str:
    return datetime.datetime.now(VIETNAM).isoformat(timespec="milliseconds")
