"""How a stream that is there follows the configuration of a gateway that starts."""

from lgsp_runtime.nats.streams import altered

STORED = {
    "name": "LGSP_WORK",
    "num_replicas": 1,
    "max_age": 0,
    "duplicate_window": 120_000_000_000,
    "allow_direct": False,
}


def test_a_stream_gets_more_replicas_and_never_fewer() -> None:
    """A gateway that was started without its setting takes the others' safety away else."""
    assert altered(STORED, {"num_replicas": 3}) == {**STORED, "num_replicas": 3}
    assert altered({**STORED, "num_replicas": 3}, {"num_replicas": 1})["num_replicas"] == 3


def test_limits_follow_and_what_is_not_said_stays() -> None:
    wanted = {"num_replicas": 1, "max_age": 60, "max_bytes": None, "duplicate_window": 0, "allow_direct": True}
    assert altered(STORED, wanted) == {**STORED, "max_age": 60, "allow_direct": True}


def test_a_stream_that_is_as_it_should_be_is_left_alone() -> None:
    assert altered(STORED, {"name": "LGSP_WORK", "num_replicas": 1, "max_age": 0}) == STORED
