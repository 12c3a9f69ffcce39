"""What there is to tell a person of, from what they may read and decide on now.

An occasion has an id that stays the same as long as it lasts, so that it is told once. Its text names documents of the registry, and
nothing of a citizen.
"""

import datetime
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from lgsp_auth import roles
from lgsp_auth.principal import Principal
from lgsp_contracts.time_zone import VIETNAM, iso_time
from lgsp_gateway.citizens.requests import DAYS_NEAR, FIRST_REPLY_NEAR, CitizenRequest, DueRequest, days_until
from lgsp_gateway.notifications.choices import Kind
from lgsp_gateway.notifications.ledger import Certificate
from lgsp_gateway.registry import ownership
from lgsp_gateway.registry.documents import service_and_major
from lgsp_gateway.registry.pending_requests import PendingRequests
from lgsp_gateway.registry.renewals import successor_of
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Text
from lgsp_runtime.pacing import Pace

DAYS_AHEAD = (7, 30)
"""How many days before its end a grant, a key or a certificate is told of."""
MAX_REQUESTS = 200
SEEN_AT_A_TURN = 500
_DAY = 86_400
_KEEPERS = ("operator", "agency-admin", "developer")
"""Roles that renew grants and keys."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One thing to tell.

    Args:
        id: the same as long as it lasts.
        path: of the console's page that shows it, below `/console`.
    """

    kind: Kind
    id: str
    text: Text
    path: str


@dataclass(frozen=True, slots=True)
class Sources:
    """Where occasions come from.

    Args:
        dead_letters: returns how many dead letters wait, by the system that owns them.
        failing: returns what is wrong, by the name of the check that fails.
        citizen_requests: returns the requests of citizens that an agency has to answer.
        certificates: returns when the certificates of this gateway end, by their files, in seconds since 1970.
    """

    registry: RegistrySnapshot
    pending: PendingRequests
    dead_letters: Callable[[], Awaitable[Mapping[str, int]]]
    failing: Callable[[], Mapping[str, Text]]
    citizen_requests: Callable[[str], Awaitable[Iterable[DueRequest]]]
    certificates: Callable[[], Mapping[str, float]]

    async def occasions(
        self, person: Principal, kinds: Iterable[Kind], now: float, certificates: Collection[Certificate]
    ) -> list[Occasion]:
        """Return what there is to tell a person of some kinds.

        Args:
            now: seconds since 1970.
            certificates: of all gateways.
        """
        found: dict[Kind, Callable[[Principal, float], AsyncIterator[Occasion]]] = {
            "requests": self._requests,
            "expiring": partial(self._expiring, certificates),
            "suspensions": self._suspensions,
            "dead-letters": self._dead_letters,
            "health": self._health,
            "citizen-requests": self._citizen_requests,
        }
        return [one for kind in kinds async for one in found[kind](person, now)]

    async def _requests(self, person: Principal, _: float) -> AsyncIterator[Occasion]:
        page = await self.pending.page(person, ("", ""), MAX_REQUESTS)
        for review in page.items:
            if "approve" not in review.steps:
                continue
            version = review.version
            identifier = f"requests/{version.kind}/{version.name}/{version.revision}"
            if version.kind == "Person":
                text = Text(f"Người {version.name} chờ bạn phê duyệt", f"Person {version.name} waits for your approval")
                yield Occasion("requests", identifier, text, f"/access/persons/{version.name}")
                continue
            spec = version.spec or {}
            what = f"{spec['consumer']} → {spec['service']} v{spec['major']}"
            text = Text(
                f"Quyền {version.name} ({what}) chờ bạn quyết định",
                f"Grant {version.name} ({what}) waits for your decision",
            )
            yield Occasion("requests", identifier, text, f"/access/grants/{version.name}")

    async def _expiring(
        self, certificates: Collection[Certificate], person: Principal, now: float
    ) -> AsyncIterator[Occasion]:
        if not person.has_role(*_KEEPERS):
            return
        today = datetime.datetime.fromtimestamp(now, VIETNAM).date()
        last = (today + datetime.timedelta(days=max(DAYS_AHEAD))).isoformat()
        index, versions, pace = self.registry.index["Grant"], self.registry.versions["Grant"], Pace(SEEN_AT_A_TURN)
        for name in index.names():
            await pace.spend()
            facts, version = index.facts.get(name), versions.get(name)
            if facts is None or version is None or facts.phase != "in-force":
                continue
            if not today.isoformat() <= facts.until <= last or successor_of(name, self.registry):
                continue
            readers = ownership.readers_of(version, self.registry)
            if roles.allowed(person.roles, person.agency, "Grant", "read", readers):
                days = (datetime.date.fromisoformat(facts.until) - today).days
                text = Text(
                    f"Quyền {name} hết hạn sau {days} ngày, vào {facts.until}",
                    f"Grant {name} ends in {days} days, on {facts.until}",
                )
                yield Occasion(
                    "expiring", f"grant/{name}/{facts.until}/{_threshold(days)}", text, f"/access/grants/{name}"
                )
        for one in self._expiring_keys(person, now):
            yield one
        if person.has_role("operator"):
            for certificate in certificates:
                days = int((certificate.end - now) // _DAY)
                if 0 <= days <= max(DAYS_AHEAD):
                    yield _expiring_certificate(certificate, days)

    def _expiring_keys(self, person: Principal, now: float) -> Iterable[Occasion]:
        for system in self.registry.systems.values():
            if not roles.allowed(person.roles, person.agency, "System", "read", frozenset({system.agency})):
                continue
            for key in system.client.jwks:
                days = int((key.get("exp", 0) - now) // _DAY)
                if "exp" not in key or not 0 <= days <= max(DAYS_AHEAD):
                    continue
                text = Text(
                    f"Một khóa của hệ thống {system.name} hết hạn sau {days} ngày",
                    f"A key of system {system.name} ends in {days} days",
                )
                identifier = f"key/{system.name}/{key['kid']}/{key['exp']}/{_threshold(days)}"
                yield Occasion("expiring", identifier, text, f"/access/systems/{system.name}")

    async def _suspensions(self, person: Principal, now: float) -> AsyncIterator[Occasion]:
        for name, announcement in tuple(self.registry.services.announcements.items()):
            suspension = announcement.suspension
            if suspension is None or suspension.over(now) or not self._uses(person, name):
                continue
            service, major = service_and_major(name)
            since, until = iso_time(suspension.since), iso_time(suspension.until) if suspension.until else ""
            text = Text(
                f"Dịch vụ {service} v{major} tạm ngừng từ {since}" + (f", dự kiến đến {until}" if until else ""),
                f"Service {service} v{major} is suspended from {since}"
                + (f", expected until {until}" if until else ""),
            )
            # One that is planned long before is told when it is planned, and again when it is near.
            stage = "near" if suspension.is_near(now) else "planned"
            identifier = f"suspension/{name}/{suspension.since}/{stage}"
            yield Occasion("suspensions", identifier, text, f"/catalogue/{service}/v{major}")

    def _uses(self, person: Principal, name: str) -> bool:
        """Does the agency of a person provide a service, or hold a grant on it?"""
        if person.has_role("operator"):
            return True
        registry, index = self.registry, self.registry.index["Grant"]
        provider = registry.services.provider_of(name)  # type: ignore[arg-type]
        if person.agency in ownership.agencies_of(provider, registry):
            return True
        holders = (index.facts[grant].consumer for grant in index.names("contract", name) if grant in registry.grants)
        return any(person.agency in ownership.agencies_of(holder, registry) for holder in holders)

    async def _dead_letters(self, person: Principal, now: float) -> AsyncIterator[Occasion]:
        day = datetime.datetime.fromtimestamp(now, VIETNAM).date().isoformat()
        for owner, count in (await self.dead_letters()).items():
            agencies = ownership.agencies_of(owner, self.registry)
            if not roles.allowed(person.roles, person.agency, "System", "read", agencies):
                continue
            text = Text(
                f"{count} thông điệp của hệ thống {owner} không giao được, đang chờ xử lý",
                f"{count} dead letters of system {owner} wait to be dealt with",
            )
            # those who may not decide about them see what became of the messages
            failed = f"/messages?consumer={owner}&failed=true&period=7d"
            path = "/messages/dead-letters" if person.has_role("operator") else failed
            yield Occasion("dead-letters", f"dead-letters/{owner}/{day}", text, path)

    async def _health(self, person: Principal, _: float) -> AsyncIterator[Occasion]:
        if not person.has_role("operator"):
            return
        for name, problem in self.failing().items():
            yield Occasion("health", f"health/{name}", problem, "/health")

    async def _citizen_requests(self, person: Principal, now: float) -> AsyncIterator[Occasion]:
        if not person.has_role("agency-admin"):
            return
        for request in await self.citizen_requests(person.agency):
            days, due = request.days_left(now), f"{request.due:%d/%m/%Y}"
            if days < 0:
                stage = "overdue"
                text = Text(
                    f"Yêu cầu {request.number} của công dân đã quá hạn trả lời từ ngày {due}",
                    f"The citizen's request {request.number} should have been answered by {due}",
                )
            elif days <= DAYS_NEAR:
                stage = "near"
                text = Text(
                    f"Yêu cầu {request.number} của công dân sắp đến hạn: phải trả lời trước hết ngày {due}",
                    f"The citizen's request {request.number} is nearly due: answer it by the end of {due}",
                )
            else:
                stage = "new"
                text = Text(
                    f"Có yêu cầu mới {request.number} của công dân: phải trả lời trước hết ngày {due}",
                    f"There is a new request {request.number} of a citizen: answer it by the end of {due}",
                )
            identifier = f"citizen-request/{request.number}/{stage}"
            yield Occasion("citizen-requests", identifier, text, f"/requests/{request.number}")
            if isinstance(request, CitizenRequest) and request.waits_for_first_reply:
                left = days_until(request.first_reply_due, now)
                if left <= FIRST_REPLY_NEAR:
                    yield _first_reply(request, left)


def _first_reply(request: CitizenRequest, days_left: int) -> Occasion:
    due = f"{request.first_reply_due:%d/%m/%Y}"
    if days_left < 0:
        stage = "overdue"
        text = Text(
            f"Công dân gửi yêu cầu {request.number} lẽ ra phải được phản hồi lần đầu chậm nhất ngày {due}",
            f"The citizen of the request {request.number} should have had a first reply by {due}",
        )
    else:
        stage = "due"
        text = Text(
            f"Hãy phản hồi lần đầu cho yêu cầu {request.number} chậm nhất ngày {due}: đã tiếp nhận và sẽ xử lý thế nào",
            f"Give the request {request.number} its first reply by {due}: that it was received, and how it is dealt with",
        )
    identifier = f"citizen-request/{request.number}/first-reply-{stage}"
    return Occasion("citizen-requests", identifier, text, f"/requests/{request.number}")


def _expiring_certificate(one: Certificate, days: int) -> Occasion:
    """Return the occasion to tell operators, who renew certificates."""
    text = Text(
        f"Chứng thư trong tệp {one.file} của gateway {one.gateway} hết hạn sau {days} ngày, vào {iso_time(one.end)}",
        f"The certificate in {one.file} of the gateway {one.gateway} ends in {days} days, on {iso_time(one.end)}",
    )
    identifier = f"certificate/{one.gateway}/{one.file}/{one.end}/{_threshold(days)}"
    return Occasion("expiring", identifier, text, "/health")


def _threshold(days: int) -> int:
    return next(ahead for ahead in DAYS_AHEAD if days <= ahead)
