"""What each kind of notification tells, to whom, and under which id: it is told once as long as it lasts."""

import datetime
from collections.abc import Mapping
from typing import Any, cast

import pytest

from lgsp_auth.principal import Principal
from lgsp_contracts.names import DocumentName
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.citizens.requests import DueRequest
from lgsp_gateway.notifications.choices import Kind
from lgsp_gateway.notifications.ledger import Certificate
from lgsp_gateway.notifications.occasions import Occasion, Sources
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.pending_requests import PendingRequests
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Text

TITLE = {"vi": "Thử", "en": "Try"}
DAY = 86_400
NOW = datetime.datetime(2026, 11, 30, 9, tzinfo=VIETNAM).timestamp()
"""A Monday."""

OPERATOR = Principal("H49", frozenset({"operator"}), person="p-operator")
PROVIDER = Principal("H49.1", frozenset({"agency-admin"}), person="p-provider")
CONSUMER = Principal("H49.2", frozenset({"developer"}), person="p-consumer")
STRANGER = Principal("H49.3", frozenset({"agency-admin", "developer"}), person="p-stranger")
AUDITOR = Principal("H49.1", frozenset({"auditor"}), person="p-auditor")

CONTRACT = {
    "service": "desk",
    "version": "1.0.0",
    "title": TITLE,
    "provider": "land",
    "classification": "internal",
    "operations": {
        "read": {
            "title": TITLE,
            "idempotent": True,
            "request": {"type": "object"},
            "response": {"type": "object"},
            "example": {"request": {}, "response": {}},
        }
    },
}
GRANT = {
    "consumer": "asker",
    "service": "desk",
    "major": 1,
    "operations": {"read": {"fields": ["*"]}},
    "purposes": ["thu"],
    "legalBasis": "Thử nghiệm",
    "quota": {"requests": 1, "per": "second"},
    "validFrom": "2026-01-01",
    "validUntil": "2040-01-01",
}


def registry(*more: tuple[str, str, Any, Any]) -> RegistrySnapshot:
    """Two agencies, one that provides the service `desk` and one that holds a grant on it."""
    found = RegistrySnapshot()
    documents = [
        ("Agency", "H49.1", {"title": TITLE}, {}),
        ("Agency", "H49.2", {"title": TITLE}, {}),
        ("System", "land", {"agency": "H49.1", "title": TITLE}, {}),
        ("System", "asker", {"agency": "H49.2", "title": TITLE}, {}),
        ("Service", "desk-v1", {"contract": CONTRACT}, {}),
        ("Grant", "asks", GRANT, {}),
    ]
    for revision, (kind, name, spec, status) in enumerate([*documents, *more], 1):
        found.apply(DocumentVersion.of(kind, DocumentName(name), spec, revision, 0, "test", "", status))
    return found


async def told(
    person: Principal,
    kind: Kind,
    now: float = NOW,
    *,
    known: RegistrySnapshot | None = None,
    letters: Mapping[str, int] | None = None,
    failing: Mapping[str, Text] | None = None,
    certificates: Mapping[str, float] | None = None,
) -> list[Occasion]:
    async def dead_letters() -> Mapping[str, int]:
        return letters or {}

    async def no_citizen_requests(_agency: str) -> list[DueRequest]:
        return []

    pending = cast("PendingRequests", None)  # of no kind that is tried here
    sources = Sources(
        *(known or registry(), pending, dead_letters, lambda: failing or {}, no_citizen_requests),
        dict,
    )
    ends = (certificates or {}).items()
    return await sources.occasions(person, [kind], now, [Certificate("gw-2", file, end) for file, end in ends])


@pytest.mark.parametrize("person", [PROVIDER, OPERATOR])
async def test_a_key_that_ends_is_told_a_month_and_a_week_before(person: Principal) -> None:
    end = int(NOW) + 40 * DAY
    key = {
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": "2026-1",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "exp": end,
    }
    known = registry(("System", "land", {"agency": "H49.1", "title": TITLE, "jwks": [key]}, {}))
    assert not await told(person, "expiring", known=known)
    month, late, week = [await told(person, "expiring", end - days * DAY, known=known) for days in (30, 12, 6)]
    assert [one.path for one in month] == ["/access/systems/land"]
    assert month[0].text.en == "A key of system land ends in 30 days"
    assert month[0].id == late[0].id != week[0].id
    assert not await told(person, "expiring", end + 1, known=known)
    for other in (CONSUMER, STRANGER, AUDITOR):
        assert not await told(other, "expiring", end - 6 * DAY, known=known)


async def test_a_certificate_that_ends_is_told_to_operators() -> None:
    ends = {"/etc/lgsp/cert.pem": NOW + 20 * DAY, "/etc/lgsp/ca.pem": NOW + 90 * DAY, "/etc/lgsp/old.pem": NOW - DAY}
    (one,) = await told(OPERATOR, "expiring", certificates=ends)
    assert "/etc/lgsp/cert.pem của gateway gw-2" in one.text.vi
    assert "hết hạn sau 20 ngày" in one.text.vi
    assert one.path == "/health"
    (later,) = await told(OPERATOR, "expiring", NOW + 15 * DAY, certificates=ends)
    assert later.id != one.id
    assert not await told(PROVIDER, "expiring", certificates=ends)


async def test_a_planned_suspension_is_told_when_it_is_planned_and_seven_working_days_ahead() -> None:
    since = datetime.datetime(2027, 1, 18, 22, tzinfo=VIETNAM)  # a Monday
    status = {"suspension": {"since": since.timestamp(), "until": since.timestamp() + 7200, "reason": "nâng cấp"}}
    known = registry(("Service", "desk-v1", {"contract": CONTRACT}, status))
    for person in (OPERATOR, PROVIDER, CONSUMER):
        (planned,) = await told(person, "suspensions", known=known)
        (before,) = await told(person, "suspensions", since.timestamp() - 13 * DAY, known=known)
        # Seven working days before a Monday are the Thursday of the week before the last.
        (near,) = await told(person, "suspensions", since.timestamp() - 11 * DAY, known=known)
        (begun,) = await told(person, "suspensions", since.timestamp() + 60, known=known)
        assert planned.id == before.id != near.id == begun.id
        assert "expected until 2027-01-19T00:00:00" in planned.text.en
        assert not await told(person, "suspensions", since.timestamp() + 7200, known=known)
    assert not await told(STRANGER, "suspensions", known=known)


async def test_a_suspension_that_is_planned_as_late_as_it_may_be_is_told_once() -> None:
    since = datetime.datetime(2026, 12, 9, 9, tzinfo=VIETNAM).timestamp()  # seven working days after NOW
    status = {"suspension": {"since": since, "until": since + 7200, "reason": "nâng cấp"}}
    known = registry(("Service", "desk-v1", {"contract": CONTRACT}, status))
    (planned,) = await told(CONSUMER, "suspensions", known=known)
    (begun,) = await told(CONSUMER, "suspensions", since, known=known)
    assert planned.id == begun.id


async def test_dead_letters_are_told_once_a_day_to_their_owner_and_to_operators() -> None:
    letters = {"asker": 3}
    (one,) = await told(CONSUMER, "dead-letters", letters=letters)
    (same,) = await told(CONSUMER, "dead-letters", NOW + 3600, letters={"asker": 5})
    (tomorrow,) = await told(CONSUMER, "dead-letters", NOW + DAY, letters=letters)
    assert one.text.vi == "3 thông điệp của hệ thống asker không giao được, đang chờ xử lý"
    assert one.id == same.id != tomorrow.id
    assert one.path.startswith("/messages?consumer=asker")
    (operators,) = await told(OPERATOR, "dead-letters", letters=letters)
    assert operators.path == "/messages/dead-letters"
    for other in (PROVIDER, STRANGER):
        assert not await told(other, "dead-letters", letters=letters)


async def test_a_check_that_fails_is_told_to_operators_as_long_as_it_fails() -> None:
    failing = {"clock": Text("Đồng hồ sai", "The clock is wrong")}
    (one,) = await told(OPERATOR, "health", failing=failing)
    (same,) = await told(OPERATOR, "health", NOW + 60, failing={"clock": Text("Sai hơn", "Worse")})
    assert (one.text.en, one.path, one.id) == ("The clock is wrong", "/health", same.id)
    for other in (PROVIDER, AUDITOR):
        assert not await told(other, "health", failing=failing)
