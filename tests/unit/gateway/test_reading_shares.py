"""Reads are divided among owners, however many subscriptions each has."""

import itertools

from lgsp_gateway.delivery.subscriptions.reading_shares import ReadingShares


def read(reads: int, wanted: list[tuple[str, int]]) -> dict[str, int]:
    """Return what each owner has read of what its subscriptions want, in their order."""
    shares, found = ReadingShares(reads, (owner for owner, _ in wanted)), dict.fromkeys(dict(wanted), 0)
    for owner, number in wanted:
        if shares.are_used:
            break
        taken = min(shares.take(owner), number)
        shares.spend(owner, taken)
        found[owner] += taken
    return found


def test_who_has_many_subscriptions_takes_nothing_from_others() -> None:
    greedy, small = [("greedy", 1_000_000)] * 100, [("small", 1_000)]
    for wanted in ([*greedy, *small], [*small, *greedy], [*greedy[:50], *small, *greedy[50:]]):
        found = read(5_000, wanted)
        assert found["small"] == 1_000
        assert found["greedy"] >= 2_400


def test_what_one_leaves_others_have() -> None:
    found = read(5_000, [("a", 0), ("b", 10), ("c", 10_000)])
    assert (found["a"], found["b"]) == (0, 10)
    assert found["c"] >= 4_980


def test_each_has_its_turn_though_there_are_more_than_reads() -> None:
    wanted = [(str(number), 5) for number in range(20)]
    assert list(itertools.islice(read(10, wanted).values(), 10)) == [1] * 10
