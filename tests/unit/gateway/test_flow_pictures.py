"""Flows put together, judged, and sent as changes: a reader who applies the changes has the later picture."""

import asyncio
import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from lgsp_gateway.evidence.search.durations import duration_class, duration_of
from lgsp_gateway.evidence.search.flow_counts import FlowCounts, Parties, TrafficPoint, WindowBounds
from lgsp_gateway.observability.flows.composer import compose_picture, select_flows
from lgsp_gateway.observability.flows.figures import state_of
from lgsp_gateway.observability.flows.picture import Picture
from lgsp_gateway.observability.flows.question import Question
from lgsp_gateway.observability.flows.shared_results import SharedResults
from lgsp_gateway.registry.snapshot import RegistrySnapshot

WITHIN = WindowBounds.of_window("1m", 1_800_000_000.5)


def counts(calls: int, *, refused: int = 0, failed: int = 0, milliseconds: float = 20) -> FlowCounts:
    return FlowCounts(refused, failed, {duration_class(milliseconds): calls})


async def pictured(flows: dict[Parties, FlowCounts], **asked: Any) -> Picture:
    registry = RegistrySnapshot()
    selection = await select_flows(Question("1m", **asked), flows, WITHIN, registry)
    series = [TrafficPoint(WITHIN.first, selection.total.calls, 0, 0)] if flows else []
    return await compose_picture(selection, series, [], registry, "")


def test_a_flow_is_as_well_as_its_worst_figure_says() -> None:
    assert state_of(FlowCounts()) == state_of(counts(100, failed=4, refused=49)) == "healthy"
    assert state_of(counts(100, failed=5)) == "failing"
    assert state_of(counts(100, refused=50)) == "refused"
    assert state_of(counts(100, milliseconds=1100)) == "slow"
    assert state_of(counts(100, failed=5, refused=95, milliseconds=5000)) == "failing"
    mixed = counts(96)
    mixed.add(counts(4, milliseconds=5000))
    assert state_of(mixed) == "healthy"
    mixed.add(counts(2, milliseconds=5000))
    assert state_of(mixed) == "slow"


async def test_the_unwell_come_first_and_what_is_left_out_is_counted() -> None:
    flows = {Parties(f"c-{number}", "p", "s", "o", "call"): counts(number) for number in range(1, 11)}
    flows[Parties("c-0", "p", "s", "o", "call")] = counts(1, failed=1)
    picture = await pictured(flows, top=3)
    assert [one["consumer"] for one in picture.items.values()] == ["c-0", "c-10", "c-9"]
    assert picture.head["leftOut"] == {"flows": 8, "calls": 36}
    assert picture.head["total"]["calls"] == 56


async def test_a_whole_name_finds_that_system_alone_and_a_part_all_that_have_it() -> None:
    flows = {Parties(name, "p", "s", "o", "call"): counts(1) for name in ("desk-1", "desk-17", "desk-170")}
    whole = await pictured(flows, words="desk-17")
    assert [one["consumer"] for one in whole.items.values()] == ["desk-17"]
    assert len((await pictured(flows, words="desk-1")).items) == 1
    assert len((await pictured(flows, words="desk")).items) == 3


async def test_a_picture_that_can_be_read_at_a_glance_shows_services_else_agencies() -> None:
    few = {Parties(f"c-{number}", "p", f"s-{number}", "o", "call"): counts(1) for number in range(30)}
    assert (await pictured(few, group="auto")).head["group"] == "service"
    many = {Parties(f"c-{number}", "p", f"s-{number}", "o", "call"): counts(1) for number in range(300)}
    picture = await pictured(many, group="auto")
    assert (picture.head["group"], len(picture.items)) == ("agency", 1)
    assert picture.head["total"]["calls"] == 300


NAMES = st.sampled_from(("a", "b", "c"))
FLOWS = st.dictionaries(
    st.builds(Parties, NAMES, NAMES, NAMES, NAMES, st.sampled_from(("call", "event", "delivery"))),
    st.builds(counts, st.integers(1, 100), failed=st.integers(0, 1), milliseconds=st.sampled_from((1, 50, 2000))),
    max_size=8,
)


@settings(max_examples=examples(200), deadline=None)
@given(FLOWS, FLOWS, st.sampled_from(("operation", "service", "agency")), st.sampled_from((None, 2)))
def test_changes_make_the_later_picture_of_the_earlier_one(
    before: dict[Parties, FlowCounts], after: dict[Parties, FlowCounts], group: str, top: int | None
) -> None:
    one, other = (asyncio.run(pictured(flows, group=group, top=top)) for flows in (before, after))
    changes = other.changes_since(one)
    kept = {key: item for key, item in one.items.items() if key not in changes["removed"]}
    kept |= {item["id"]: item for item in changes["items"]}
    assert kept == other.items
    assert {**one.head, **{name: changes[name] for name in one.head}} == other.head
    assert other.changes_since(other)["items"] == other.changes_since(other)["removed"] == []


def test_a_quantile_is_exact_to_a_tenth() -> None:
    for milliseconds in (0.3, 1, 7, 49, 1234, 60000):
        assert abs(duration_of(duration_class(milliseconds)) / milliseconds - 1) < 0.1
        assert abs(counts(7, milliseconds=milliseconds).quantile(0.95) / milliseconds - 1) < 0.1


async def test_a_result_is_computed_once_for_all_who_wait_and_not_again_before_its_time() -> None:
    computed = itertools.count(1)
    going, finish = asyncio.Event(), asyncio.Event()

    async def compute(_: str) -> int:
        going.set()
        await finish.wait()
        return next(computed)

    shared = SharedResults(compute, lambda _: 3600.0)
    waiting = [asyncio.ensure_future(shared.get("flows")) for _ in range(50)]
    await asyncio.wait_for(going.wait(), 20)
    waiting[0].cancel()  # who asked first leaves; the others do not wait in vain
    finish.set()
    results = await asyncio.wait_for(asyncio.gather(*waiting[1:]), 20)
    assert (set(results), await shared.get("flows")) == ({1}, 1)


async def test_what_takes_long_is_computed_less_often() -> None:
    computed = itertools.count(1)

    async def compute(_: str) -> int:
        await asyncio.sleep(0.05)
        return next(computed)

    shared = SharedResults(compute, lambda _: 0.0)
    assert [await shared.get("flows") for _ in range(3)] == [1, 1, 1]
