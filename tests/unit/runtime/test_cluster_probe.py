"""A server that its cluster has left behind is left, without going round in circles."""

import asyncio

from lgsp_runtime.nats.cluster_probe import FIRST_MOVE_SECONDS, JETSTREAM, UNANSWERED, ClusterProbe


class Clock(asyncio.SelectorEventLoop):
    now = 100.0

    def time(self) -> float:
        return self.now


def ask(probe: ClusterProbe, times: int = UNANSWERED) -> bool:
    for _ in range(times):
        probe.asked()
    return probe.is_cut_off


def test_moves_become_rarer_until_the_cluster_answers() -> None:
    clock = Clock()
    probe = ClusterProbe(JETSTREAM, loop=clock)
    assert not ask(probe, UNANSWERED - 1)
    probe.answered(b"")
    probe.answered(b'{"error":{"err_code":10008}}')
    assert ask(probe, 1)
    probe.moved()
    assert not ask(probe)
    clock.now += FIRST_MOVE_SECONDS
    assert ask(probe)
    probe.moved()
    clock.now += FIRST_MOVE_SECONDS
    assert not ask(probe), "twice as long now"
    probe.answered(b'{"streams":3}')
    assert not probe.is_cut_off
    clock.close()
