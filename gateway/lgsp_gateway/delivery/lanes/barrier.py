"""How long the ordered messages of a lane wait after it was taken over, or has stood still: its barrier. Pure.

Messages may be out that were delivered before: with another gateway, or on their way back. Ordered ones wait until the server counts no more
messages as under way than this gateway has, or until any other gateway must have given up what it had.
"""

from lgsp_gateway.delivery.lanes.consumer import PIN_SECONDS, ConsumerState
from lgsp_gateway.delivery.lanes.held_messages import HeldMessages, State
from lgsp_gateway.delivery.lanes.lane import ACK_WAIT_SECONDS

BARRIER_SECONDS = ACK_WAIT_SECONDS + 1.0
"""After which another gateway has given up whatever it had."""
LAPSE_SECONDS = ACK_WAIT_SECONDS - PIN_SECONDS + 0.3
"""After which the messages of a gateway that was killed come back: it had the pin for `PIN_SECONDS` without pulling."""
MAX_BACK_TOGETHER = 512
"""Messages that come back which are asked for at a time: each pull renews the pin, and thousands at once would take longer than that lasts."""


class Barrier:
    """The barrier of one lane at one gateway.

    Times are given as the event loop counts.

    Args:
        held: the messages that wait behind it.
    """

    def __init__(self, held: HeldMessages) -> None:
        self._held = held
        self._ends_at = 0.0
        self._lapsed_at = 0.0
        self._elsewhere = 0
        self._expected_back = 0

    @property
    def is_up(self) -> bool:
        """Tell whether ordered messages have to wait."""
        return self._held.barrier

    def set_up(self, now: float) -> None:
        """Let ordered messages wait from now on."""
        self._held.raise_barrier()
        self._ends_at, self._lapsed_at = now + BARRIER_SECONDS, now + LAPSE_SECONDS
        self._elsewhere = self._expected_back = 0

    def has_ended(self, now: float) -> bool:
        """Let ordered messages go on where nobody else can have any; tell whether that is so."""
        if now < self._ends_at:
            return False
        self._held.lower_barrier()
        return True

    def count_back(self) -> bool:
        """Record that a message came that was delivered before; tell whether it is the last that was expected."""
        self._expected_back -= 1
        return self._expected_back == 0

    def compare(self, state: ConsumerState, now: float) -> bool:
        """Let ordered messages go on where the server counts none under way that is not here.

        Args:
            state: what the server says of the consumer.

        Returns:
            Whether something is here that the server counts no more: it was delivered again while its settlement was under way elsewhere.
            What is handed back then comes again only if it is not settled.
        """
        ours = [one for one in self._held if one.state is not State.SETTLING and one.number <= state.last_delivery]
        elsewhere = state.ack_pending - len(ours)
        if elsewhere < 0 and any(one.is_idle for one in ours):
            return True
        if elsewhere <= 0:
            self._held.lower_barrier()
        elif elsewhere < self._elsewhere:  # they are coming back
            self._ends_at = now + BARRIER_SECONDS
        self._elsewhere = self._expected_back = elsewhere
        return False

    def room(self, now: float) -> int:
        """Return how many messages may be under way to this gateway while it is up."""
        room = self._held.room()
        if now < self._lapsed_at:  # what is new would come in the place of what is not back yet
            return room
        return max(room, min(self._expected_back, MAX_BACK_TOGETHER))
