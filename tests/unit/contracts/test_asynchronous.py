"""What a contract says of calls that are delivered later, and of how long events are kept and how they are ordered."""

import copy
from typing import Any

import pytest
from support import announcing

from lgsp_contracts import durations
from lgsp_contracts.asynchronous import Asynchronous
from lgsp_contracts.contract import Contract
from lgsp_problems import Refusal

DAY = 86_400


def compiled(async_section: Any = None, **event: Any) -> Contract:
    document = copy.deepcopy(announcing.contract(**event))
    if async_section is not None:
        document["operations"]["read-dossier"]["async"] = async_section
    return Contract.from_document(document, "dossiers.yaml")


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (None, None),
        ({}, Asynchronous(72 * 3600, 24 * 3600)),
        ({"deliveryDeadline": "30s"}, Asynchronous(30, 24 * 3600)),
        ({"deliveryDeadline": "30d", "answerRetention": "5m"}, Asynchronous(30 * DAY, 300)),
    ],
)
def test_calls_delivered_later(section: Any, expected: Asynchronous | None) -> None:
    assert compiled(section).operations["read-dossier"].asynchronous == expected


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"deliveryDeadline": "31d"}, "/async/deliveryDeadline: must be from 1s to 30d"),
        ({"answerRetention": "59s"}, "/async/answerRetention: must be from 1m to 30d"),
        ({"deliveryDeadline": "1w"}, "/async/deliveryDeadline: must match"),
        ({"deadline": "1h"}, "/async/deadline"),
    ],
)
def test_what_cannot_be_promised_is_refused(section: Any, words: str) -> None:
    with pytest.raises(Refusal) as refused:
        compiled(section)
    assert words in refused.value.detail.en


def test_an_event_says_how_long_it_is_kept_and_by_what_it_is_ordered() -> None:
    event = compiled().events[announcing.EVENT]
    assert event.retention == 30 * DAY
    assert event.ordering_key_of(announcing.DATA) == "H49-1"
    assert compiled(retention="1d").events[announcing.EVENT].retention == DAY


def test_an_event_may_be_for_one_agency_alone() -> None:
    everybody, addressed = (compiled(**more).events[announcing.EVENT] for more in ({}, {"recipient": "/maHoSo"}))
    assert everybody.is_for("H49.99", {})
    received = [
        agency
        for agency in ("H49.1", "H49", "H49.12", "H4", "H49.1.2")
        if addressed.is_for(agency, {"maHoSo": "H49.1"})
    ]
    assert received == ["H49.1", "H49"]
    assert not addressed.is_for("H49.1", {})
    assert not addressed.is_for("H49.1", {"maHoSo": 1})


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"retention": "1h"}, "/retention: must be from 1d to 365d"),
        ({"orderingKey": "/maHoSoo"}, "/orderingKey: must point to a string"),
        ({"orderingKey": "maHoSo"}, "/orderingKey: must match"),
        ({"recipient": "/coQuan"}, "/recipient: must point to the code of an agency"),
    ],
)
def test_what_an_event_cannot_promise_is_refused(event: Any, words: str) -> None:
    with pytest.raises(Refusal) as refused:
        compiled(**event)
    assert words in refused.value.detail.en


def test_a_value_that_cannot_order_is_refused() -> None:
    event = compiled().events[announcing.EVENT]
    body = b'{"maHoSo":"%s","soDinhDanh":"022093001234","trangThai":"da-tra"}'
    assert event.check_data(body % (b"a" * 255))["maHoSo"] == "a" * 255
    with pytest.raises(Refusal) as refused:
        event.check_data(body % (b"a" * 1_000_000))
    assert refused.value.code == "contract-violation"
    assert refused.value.violations[0].pointer == "/maHoSo"
    assert len(refused.value.detail.en) < 300


def test_durations() -> None:
    assert [durations.seconds(text) for text in ("500ms", "5s", "30m", "72h", "7d")] == [0.5, 5, 1800, 259200, 604800]
    for text in ("", "5", "h", "5w", "-5s", "5 s"):
        with pytest.raises(ValueError, match="no duration"):
            durations.seconds(text)
