"""A provider suspends its service: planned and announced at least 7 working days ahead with an expected end, or at once
with a reason (Decree 47/2020, Article 43).
"""

import datetime
from dataclasses import dataclass
from typing import Any

from lgsp_auth.policy import CallDenied
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.registry.lifecycle.transitions import StateMachine
from lgsp_problems import Refusal

WORKING_DAYS_AHEAD = 7

TRANSITIONS = StateMachine(
    ("owner", "operator"),
    {
        ("answering", "suspend"): {"owner": "suspended", "operator": "suspended"},
        ("answering", "plan"): {"owner": "planned", "operator": "planned"},
        ("answering", "resume"): {"owner": "answering", "operator": "answering"},
        ("planned", "suspend"): {"owner": "suspended", "operator": "suspended"},
        ("planned", "plan"): {"owner": "planned", "operator": "planned"},
        ("planned", "resume"): {"owner": "answering", "operator": "answering"},
        ("suspended", "suspend"): {"owner": "suspended", "operator": "suspended"},
        ("suspended", "resume"): {"owner": "answering", "operator": "answering"},
    },
)
"""A planned suspension becomes one, and ends, with time."""


@dataclass(frozen=True, slots=True)
class Suspension:
    """When a service does not answer, and why. Times are seconds since 1970; `until` is 0 where no end is known."""

    since: float
    until: float
    reason: str

    def holds(self, now: float) -> bool:
        """Tell whether the service is suspended at this time."""
        return self.since <= now and (not self.until or now < self.until)

    def over(self, now: float) -> bool:
        """Tell whether the suspension has ended at this time."""
        return bool(self.until) and now >= self.until

    def is_near(self, now: float) -> bool:
        """Tell whether the suspension begins within the working days by which it has to be announced, or has begun.

        A day is added, so that whoever is told then has all of these days left.
        """
        moment = datetime.datetime.fromtimestamp(now, VIETNAM)
        return self.since <= _working_days_later(moment, WORKING_DAYS_AHEAD + 1).timestamp()

    def refusal(self, service: str, now: float) -> Refusal:
        """Return the refusal of a call during the suspension."""
        until = _shown(self.until)
        return CallDenied(
            "service-suspended",
            vi=f"Dịch vụ {service} tạm ngừng ({self.reason}), dự kiến đến {until or 'khi có thông báo'}; hãy thử lại sau thời điểm đó.",
            en=f"Service {service} is suspended by its provider until {until or 'further notice'}; try again after that.",
            retry_after=int(self.until - now) + 1 if self.until else None,
        )

    def notice(self) -> str:
        """Return the header value that announces it: an ISO 8601 interval, open where no end is known."""
        return f"{_shown(self.since)}/{_shown(self.until) or '..'}"


def planned(since: str, until: str, reason: str, now: datetime.datetime) -> dict[str, Any]:
    """Return the status of a service that is to be suspended.

    Args:
        since, until: ISO 8601 times; an empty `since` means at once.

    Raises:
        Refusal: `malformed`, saying what is missing or how far ahead it must be announced.
    """
    begins, ends = _time(since, "since"), _time(until, "until")
    if not reason:
        raise _malformed("phải nêu lý do (reason)", "a suspension needs a `reason`")
    if begins and not ends:
        raise _malformed(
            "tạm ngừng có kế hoạch phải nêu thời điểm kết thúc dự kiến (until)",
            "a planned suspension needs its expected end (`until`)",
        )
    earliest = _working_days_later(now, WORKING_DAYS_AHEAD)
    if begins and begins < earliest:
        raise _malformed(
            f"tạm ngừng có kế hoạch phải báo trước ít nhất {WORKING_DAYS_AHEAD} ngày làm việc, sớm nhất là {earliest:%Y-%m-%d}",
            f"a planned suspension is announced at least {WORKING_DAYS_AHEAD} working days ahead, so it begins on {earliest:%Y-%m-%d} at the earliest",
        )
    start = begins or now
    if ends and ends <= start:
        raise _malformed("until phải sau since", "`until` must be after `since`")
    return {"since": start.timestamp(), "until": ends.timestamp() if ends else 0, "reason": reason}


def phase_of(status: dict[str, Any], now: float) -> str:
    """Return the phase of a service at a time: `answering`, `planned` or `suspended`."""
    suspension = from_status(status["suspension"]) if "suspension" in status else None
    if suspension is None or suspension.over(now):
        return "answering"
    return "suspended" if suspension.holds(now) else "planned"


def check_step(status: dict[str, Any], step: str, now: datetime.datetime) -> None:
    """Raise when a step is not possible: a suspended service is not resumed by planning another suspension.

    Raises:
        Refusal: `step-not-allowed`.
    """
    phase = phase_of(status, now.timestamp())
    if not TRANSITIONS.next_phases(phase, step):
        possible = ", ".join(TRANSITIONS.steps(phase))
        raise Refusal(
            "step-not-allowed",
            vi=f"Dịch vụ đang tạm ngừng ({phase}) nên không làm được bước này; các bước có thể: {possible}.",
            en=f"The service is {phase} and does not allow this step; the steps there are: {possible}.",
        )


def from_status(status: dict[str, Any]) -> Suspension:
    """Return the suspension in a service's status."""
    return Suspension(float(status["since"]), float(status["until"]), str(status["reason"]))


def _working_days_later(start: datetime.datetime, days: int) -> datetime.datetime:
    """Add working days to a time; Saturdays and Sundays are not working days."""
    at = start
    while days:
        at += datetime.timedelta(days=1)
        days -= at.weekday() < 5
    return at


def _time(text: str, name: str) -> datetime.datetime | None:
    if not text:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text).replace(microsecond=0)
        # In Vietnam's zone it must be a time too, since that is how callers are told of it.
        return moment.astimezone(VIETNAM) if moment.tzinfo else moment.replace(tzinfo=VIETNAM)
    except (ValueError, OverflowError) as error:
        raise _malformed(f"{name} phải là thời điểm ISO 8601", f"`{name}` must be an ISO 8601 time") from error


def _shown(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, VIETNAM).isoformat(timespec="seconds") if seconds else ""


def _malformed(vi: str, en: str) -> Refusal:
    return Refusal("malformed", vi=f"{vi[0].upper()}{vi[1:]}.", en=f"{en[0].upper()}{en[1:]}; correct the request.")
