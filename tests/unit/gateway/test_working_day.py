"""The working day that `lgsp up --traffic` plays: the same for the same seed, and as a province's day is."""

from collections import Counter

from lgsp_contracts import catalog
from lgsp_gateway.local.traffic.day import BEGIN, END, OFFICES, Birth, Call, Document, DossierStep, Fault, day, share


def test_the_same_seed_plays_the_same_day() -> None:
    assert list(day(7)) == list(day(7))
    assert list(day(7)) != list(day(8))
    assert list(day(7, 0)) != list(day(7, 1))


def test_offices_are_busy_while_they_are_open() -> None:
    calls = {
        minute.minute: sum(isinstance(one, Call) and one.system == "mot-cua" for one in minute.actions)
        for minute in day(1)
    }
    assert list(calls) == list(range(BEGIN, END))
    open_hours = sum(calls[minute] for minute in range(8 * 60, 11 * 60))
    noon = sum(calls[minute] for minute in range(11 * 60 + 45, 13 * 60))
    assert open_hours > 900
    assert noon < 100
    assert share(OFFICES, 6 * 60) == share(OFFICES, 7 * 60) == 0.02


def test_everything_that_a_bus_carries_occurs_and_what_goes_wrong_ends() -> None:
    actions = [action for minute in day(1) for action in minute.actions]
    counted = Counter(type(action) for action in actions)
    assert all(counted[kind] > 20 for kind in (Birth, DossierStep, Document))
    faults = [action for action in actions if isinstance(action, Fault)]
    assert {fault.sandbox for fault in faults if fault.settings} == {fault.sandbox for fault in faults[1::2]}
    assert [bool(fault.settings) for fault in faults] == [True, False, True, False]
    shipped = catalog.load(catalog.shipped_folder())
    for call in {action for action in actions if isinstance(action, Call)}:
        assert shipped[call.service, 1].operations[call.operation].example.request
