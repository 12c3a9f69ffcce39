"""How long calls wait for their evidence to be written."""

from lgsp_gateway.evidence.append.write_patience import CONNECTION_SECONDS, LEADER_SECONDS, WritePatience


def test_an_election_is_waited_for_once() -> None:
    patience = WritePatience()
    assert patience.failed(100, 101, connected=True)
    assert patience.failed(108, 100 + LEADER_SECONDS, connected=True)
    assert not patience.failed(110, 101 + LEADER_SECONDS, connected=True)
    assert not patience.failed(200, 200.1, connected=True), "until something is written, nobody waits any more"
    patience.written()
    assert patience.failed(300, 301, connected=True)


def test_servers_that_are_not_there_are_waited_for_shortly() -> None:
    patience = WritePatience()
    assert patience.failed(100, 100, connected=False)
    assert patience.failed(101, 101, connected=False)
    assert not patience.failed(102, 100.1 + CONNECTION_SECONDS, connected=False)
    assert patience.failed(102, 103, connected=True), "another server is there: its cluster may be choosing a leader"
