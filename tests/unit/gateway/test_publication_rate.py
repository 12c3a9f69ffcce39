"""How fast one system may publish: what it saved up, what it waits for, and that others do not wait with it."""

import pytest

from lgsp_gateway.delivery.events.publication_rate import PublicationRate
from lgsp_problems import QuotaExceeded


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_publisher_waits_when_its_budget_is_spent_and_nobody_else_does() -> None:
    clock = Clock()
    rate = PublicationRate(10, clock)
    rate.spend("a", 20)
    with pytest.raises(QuotaExceeded) as refused:
        rate.spend("a", 15)
    assert refused.value.retry_after == 2
    rate.spend("b", 20)
    clock.now = 1.5
    rate.spend("a", 15)
    clock.now = 100.0
    rate.spend("a", 20)
    with pytest.raises(QuotaExceeded):
        rate.spend("a", 1)


def test_a_batch_larger_than_the_budget_is_paid_for_afterwards() -> None:
    clock = Clock()
    rate = PublicationRate(10, clock)
    rate.spend("a", 1_000)
    with pytest.raises(QuotaExceeded) as refused:
        rate.spend("a", 1)
    assert refused.value.retry_after == 99
    clock.now = 99.0
    rate.spend("a", 1)
