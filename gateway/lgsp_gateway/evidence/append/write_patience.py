"""How long calls are held while evidence cannot be written, instead of being refused.

A cluster that has lost the leader of a stream chooses another one four to nine seconds after it last heard of it, by constants of NATS, and
a server that restarts is away for a moment. Callers who never retry get their answer late then. Where it lasts longer, they are refused soon.
"""

from dataclasses import dataclass

LEADER_SECONDS = 10.0
"""How long calls are held while the stream does not answer: the longest election of NATS (`maxElectionTimeout`, 9 s), and some."""

CONNECTION_SECONDS = 2.0
"""How long they are held while no server of NATS is there at all: another one is found in less, and one that restarts alone in about as much."""


@dataclass(slots=True)
class WritePatience:
    """Knows since when nothing could be written, in seconds of the event loop's clock."""

    _failing_since: float = 0.0
    _disconnected_since: float = 0.0

    def written(self) -> None:
        """Take note that something is on disk."""
        self._failing_since = self._disconnected_since = 0.0

    def failed(self, tried_at: float, now: float, *, connected: bool) -> bool:
        """Take note that a batch was not acknowledged, and tell whether to go on trying while its calls wait.

        Args:
            tried_at: when it was sent.
            connected: there is a connection to a server.
        """
        self._failing_since = self._failing_since or tried_at
        self._disconnected_since = 0.0 if connected else (self._disconnected_since or now)
        long = now - self._failing_since > LEADER_SECONDS
        return not (long or (not connected and now - self._disconnected_since > CONNECTION_SECONDS))
