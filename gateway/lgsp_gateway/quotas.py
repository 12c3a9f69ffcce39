"""How often a grant may be used: counted in windows, told to the caller in the draft-standard `RateLimit` headers.

The headers follow draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy: "grant";q=600;w=60` is the promise,
`RateLimit: "grant";r=599;t=42` what is left of it and for how many seconds.
"""

from dataclasses import dataclass

from lgsp_auth.policy import Grant
from lgsp_problems import Refusal


@dataclass(slots=True)
class _Window:
    ends: float
    used: int


class Quotas:
    """The counters of one gateway."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}

    def take(self, grant: Grant, now: float) -> tuple[str, str]:
        """Count one call.

        Returns:
            The values of `RateLimit` and `RateLimit-Policy`.

        Raises:
            Refusal: `quota-exceeded`, with `Retry-After`.
        """
        quota = grant.quota
        window = self._windows.get(grant.name)
        if window is None or window.ends <= now:
            window = _Window((now // quota.seconds + 1) * quota.seconds, 0)
            self._windows[grant.name] = window
        policy = f'"grant";q={quota.requests};w={quota.seconds}'
        left = int(window.ends - now) + 1
        if window.used >= quota.requests:
            raise Refusal(
                "quota-exceeded",
                vi=f"Quyền {grant.name} đã dùng hết {quota.requests} lượt trong {quota.seconds} giây; hãy thử lại sau {left} giây hoặc đề nghị tăng hạn mức.",
                en=f"Grant {grant.name} has used its {quota.requests} calls in {quota.seconds} seconds; try again in {left} seconds, or ask for a higher quota.",
                retry_after=left,
                headers={"RateLimit": f'"grant";r=0;t={left}', "RateLimit-Policy": policy},
            )
        window.used += 1
        return f'"grant";r={quota.requests - window.used};t={left}', policy
