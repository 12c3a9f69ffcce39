"""The figures of a flow, and whether it is well: in one place, so that table, picture and command judge alike."""

from typing import Any, Literal

from lgsp_gateway.evidence.search.flow_counts import FlowCounts

SLOW_MS = 1000.0
"""A flow is slow when one call of twenty takes longer."""
FAILING_SHARE = 0.05
"""A flow is failing when at least so many of its calls failed."""
REFUSED_SHARE = 0.5
"""A flow is refused when at least so many of its calls were."""

State = Literal["healthy", "slow", "refused", "failing"]
STATES: tuple[State, ...] = ("healthy", "slow", "refused", "failing")
"""From the best to the worst."""

_QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def state_of(counts: FlowCounts) -> State:
    """Return whether a flow is well; where several things are wrong, the worst of them."""
    calls = counts.calls
    if calls and counts.failed / calls >= FAILING_SHARE:
        return "failing"
    if calls and counts.refused / calls >= REFUSED_SHARE:
        return "refused"
    return "slow" if counts.quantile(_QUANTILES["p95"]) > SLOW_MS else "healthy"


def figures_of(counts: FlowCounts, seconds: float) -> dict[str, Any]:
    """Return the figures of a flow as members of a JSON object.

    Args:
        seconds: how much time the counts cover.
    """
    calls = counts.calls
    return {
        "calls": calls,
        "perSecond": round(calls / seconds, 3),
        "refusedRate": round(counts.refused / calls, 4) if calls else 0.0,
        "errorRate": round(counts.failed / calls, 4) if calls else 0.0,
        **{name: counts.quantile(share) for name, share in _QUANTILES.items()},
        "state": state_of(counts),
    }
