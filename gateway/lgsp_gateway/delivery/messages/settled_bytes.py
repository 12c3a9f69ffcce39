"""Takes accepted messages off the count of what their agencies have stored, once they have left `LGSP_WORK`."""

from collections.abc import Callable

from lgsp_gateway.delivery.lanes.lane import Dead, Delivery, Done, LaneConfig, LaneHandler, Outcome
from lgsp_gateway.delivery.messages import envelope as envelopes
from lgsp_gateway.delivery.storage.stored_bytes import StoredBytes

MakeLane = Callable[[str], tuple[LaneConfig, LaneHandler] | None]
"""Returns configuration and handler of a lane by its name; None where the name is none of its lanes."""


def counting_settled(make_lane: MakeLane, stored: StoredBytes) -> MakeLane:
    """Return what makes the same lanes, whose settled messages are taken off."""

    def make(name: str) -> tuple[LaneConfig, LaneHandler] | None:
        made = make_lane(name)
        if made is None:
            return None
        config, handler = made

        async def handle(delivery: Delivery) -> Outcome:
            outcome = await handler(delivery)
            if (
                isinstance(outcome, Done | Dead) and not delivery.is_damaged
            ):  # of that nobody knows how much was counted
                envelope, body = envelopes.parse(delivery.payload)
                stored.remove(envelope.agency, len(body), envelope.deadline / 1000)
            return outcome

        return config, handle

    return make
