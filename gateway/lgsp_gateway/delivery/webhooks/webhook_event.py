"""Which event a webhook carries, by what its publisher and its receiver know it: how an owner finds the attempts at one event."""

from typing import NamedTuple


class WebhookEvent(NamedTuple):
    """The event in a webhook. It says no more of people than the evidence does.

    Args:
        name: `service/event` for an event of a contract; the CloudEvents `type` for an event of the bus itself.
        source: the CloudEvents `source`.
        id: the CloudEvents `id`, unique within the source; of a callback the id of the message.
    """

    name: str
    source: str
    id: str
