"""The pure parts of asynchronous calls: states, envelopes, letters, names of lanes, pauses of a provider that is away."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from lgsp_auth.principal import Principal
from lgsp_contracts.names import Major, OperationName, ServiceName, SystemName
from lgsp_gateway.api.messages import describe
from lgsp_gateway.delivery.dead_letters.letter import DeadLetter
from lgsp_gateway.delivery.delivery_reports import LanePause
from lgsp_gateway.delivery.messages import envelope as envelopes
from lgsp_gateway.delivery.messages import lane_names
from lgsp_gateway.delivery.messages.envelope import Envelope
from lgsp_gateway.delivery.messages.lane_names import MessageLane
from lgsp_gateway.delivery.messages.message_store import MessageRecord
from lgsp_gateway.delivery.messages.provider_health import FAILURES, LONGEST_PAUSE, ProviderHealth
from lgsp_gateway.delivery.messages.state import MAX_ATTEMPTS_KEPT, AnswerRecord, Attempt, MessageState, Reason
from lgsp_gateway.delivery.stored_messages import decode_cursor
from lgsp_gateway.faces.rest.deferral import read_deferral
from lgsp_problems import Refusal, Text

MESSAGE = "019ac5a0-5c64-7d1e-9d1c-6d5c2f0b7a11"
ENVELOPE = Envelope(
    message=MESSAGE,
    consumer=SystemName("mot-cua"),
    agency="H49.1",
    service=ServiceName("land-parcels"),
    major=Major(1),
    operation=OperationName("register"),
    version="1.2.0",
    provider=SystemName("dat-dai"),
    purpose="giai-quyet-tthc",
    grant="mot-cua-land",
    traceparent=f"00-{'1' * 32}-{'2' * 16}-01",
    salt="00" * 16,
    key="k",
    priority="high",
    accepted=1,
    deadline=2,
)
REASON = Reason("outcome-unknown", Text("Không rõ", "Unknown"))


@given(st.binary(max_size=200))
def test_what_waits_is_read_as_it_was_written(body: bytes) -> None:
    assert envelopes.parse(envelopes.serialize(ENVELOPE, body)) == (ENVELOPE, body)


def test_a_later_version_may_add_fields() -> None:
    document = {**ENVELOPE.document(), "added": 1}
    assert Envelope.from_document(document) == ENVELOPE


def test_each_round_is_stored_once() -> None:
    again = ENVELOPE.next_round(5)
    assert (again.round, again.deadline, again.accepted) == (1, 5, 1)
    assert len({ENVELOPE.deduplication_id, again.deduplication_id, again.next_round(5).deduplication_id}) == 3
    assert again.work_subject == ENVELOPE.work_subject


@pytest.mark.parametrize(
    "state",
    [
        MessageState("accepted", 1),
        MessageState("delivering", 1, latest=(Attempt(1, "gw"),), attempts=1),
        MessageState("dead", 1, reason=REASON),
        MessageState("answered", 1, answer=AnswerRecord(200, 5, 9), latest=(Attempt(1, "gw", "answered"),), attempts=1),
        MessageState("answered", 1, reason=Reason("no-person", Text("a", "b"), Text("c", "d"))),
    ],
)
def test_a_state_is_read_as_it_was_written(state: MessageState) -> None:
    assert MessageState.from_document(orjson.loads(orjson.dumps(state.document()))) == state


def test_an_attempt_is_open_until_its_outcome() -> None:
    begun = MessageState("accepted", 1).with_attempt(Attempt(2, "gw"))
    assert begun.open_attempt == Attempt(2, "gw")
    assert begun.with_outcome("provider-failed").open_attempt is None
    assert begun.in_round(1).attempts == 1


def test_only_the_latest_attempts_are_kept() -> None:
    state = MessageState("accepted", 1)
    for number in range(MAX_ATTEMPTS_KEPT + 5):
        state = state.with_attempt(Attempt(number, "gw")).with_outcome("provider-failed")
    assert (state.attempts, len(state.latest)) == (MAX_ATTEMPTS_KEPT + 5, MAX_ATTEMPTS_KEPT)
    assert state.latest[-1].at == MAX_ATTEMPTS_KEPT + 4


def test_a_letter_is_read_as_it_was_written() -> None:
    letter = DeadLetter(
        "message", MESSAGE, SystemName("mot-cua"), ServiceName("s"), 1, "register", ENVELOPE.document(), REASON, (), 3
    )
    assert DeadLetter.parse(letter.serialize(b"{}\n{}")) == (letter, b"{}\n{}")
    assert Envelope.from_document(letter.envelope) == ENVELOPE
    assert letter.id == MESSAGE


@pytest.mark.parametrize(
    "lane",
    [
        MessageLane(ServiceName("a"), Major(1), "high", SystemName("b")),
        MessageLane(ServiceName("land-v2-low"), Major(12), "low", SystemName("v1-low-desk")),
    ],
)
def test_a_lane_is_known_by_its_name(lane: MessageLane) -> None:
    assert lane_names.parse(lane.name) == lane


@pytest.mark.parametrize(
    "name", ["messages-", "messages-a_v1_urgent_b", "callbacks-a", "messages-a_v0_low_b", "messages-a_v1_low", "x"]
)
def test_other_names_are_no_lanes_of_messages(name: str) -> None:
    assert lane_names.parse(name) is None


def test_a_provider_that_is_away_is_asked_less_often_but_never_for_long() -> None:
    health, now = ProviderHealth(lambda: 0.0), 100.0
    for _ in range(FAILURES - 1):
        health.record_failure("provider-timeout", now)
        assert health.pause(now) == 0
    pauses = []
    for _ in range(10):
        health.record_failure("provider-timeout", now)
        pauses.append(health.pause(now))
        now += pauses[-1]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
    health.record_success()
    assert health.pause(now) == 0


def test_lanes_of_a_provider_that_is_away_do_not_ask_at_one_moment() -> None:
    pauses = set()
    for drawn in (0.0, 0.5, 0.999):
        health = ProviderHealth(lambda drawn=drawn: drawn)
        for _ in range(20):
            health.record_failure("provider-timeout", 100.0)
        pauses.add(health.pause(100.0))
    assert len(pauses) == 3
    assert LONGEST_PAUSE / 2 < min(pauses) < max(pauses) == LONGEST_PAUSE


@pytest.mark.parametrize("text", ["", "x", "MSAy", "LTEgMQ==", "MSAxIDE=", "é"])
def test_a_cursor_that_is_none(text: str) -> None:
    with pytest.raises(Refusal):
        decode_cursor(text, 1 if text in ("MSAy", "") else 2)


def test_a_call_without_a_preference_has_no_deferral() -> None:
    assert read_deferral(CIMultiDict({"Prefer": "return=minimal"})) is None
    assert read_deferral(CIMultiDict({})) is None
    deferral = read_deferral(CIMultiDict([("Prefer", "wait=1"), ("prefer", "Respond-Async"), ("lgsp-priority", "low")]))
    assert deferral is not None
    assert (deferral.preferred, deferral.priority) == (True, "low")


def test_the_next_attempt_is_not_before_the_end_of_the_pause_of_its_lane() -> None:
    record = MessageRecord(ENVELOPE, MessageState("delivering", next_attempt=1_000, changed=1))
    seen = describe(record, "en", Principal("H49.1", frozenset()), LanePause("provider-failed", 30.0))
    assert seen["nextAttemptAt"] == seen["held"]["until"]
    assert describe(record, "en", Principal("H49.1", frozenset()))["nextAttemptAt"] < seen["nextAttemptAt"]
