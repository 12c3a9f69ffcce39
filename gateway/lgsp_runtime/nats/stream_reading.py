"""Reads what a stream holds now, message by message, without a gap: how a gateway comes to what it keeps in memory."""

import contextlib
from collections.abc import AsyncGenerator

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from lgsp_runtime.nats import pulling
from lgsp_runtime.nats.request_reply import bus_unavailable

MAX_FETCH = 500
FETCH_SECONDS = 5.0
INACTIVE_SECONDS = 30
"""After which the server forgets a reader that is gone."""


async def read_stream(
    connection: Client,
    stream: str,
    subjects: str,
    after: int,
    *,
    only_latest: bool = False,
    headers_only: bool = False,
    max_fetch: int = MAX_FETCH,
) -> AsyncGenerator[Msg, None]:
    """Iterate over the messages of a stream in their order, up to the newest.

    Args:
        subjects: of all its messages, with a wildcard.
        after: only those with a higher sequence.
        only_latest: of each subject only the newest message, whatever its sequence.
        headers_only: without payloads; the header `Nats-Msg-Size` has their sizes.
        max_fetch: messages that are on their way at once: fewer where they are large.

    Raises:
        Refusal: `bus-unavailable`, when one did not come.
    """
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.LAST_PER_SUBJECT if only_latest else DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=None if only_latest else after + 1,
        ack_policy=AckPolicy.NONE,
        headers_only=headers_only,
        inactive_threshold=INACTIVE_SECONDS,
        mem_storage=True,
    )
    jetstream = connection.jetstream()
    try:
        subscription = await jetstream.pull_subscribe(subjects, stream=stream, config=config)
        try:
            pending, number = (await subscription.consumer_info()).num_pending or 0, 0
            while number < pending:
                fetched = await pulling.fetch(subscription, min(max_fetch, pending - number), FETCH_SECONDS)
                if not fetched:  # only status messages of the server came: is the consumer there still?
                    await subscription.consumer_info()
                for message in fetched:
                    number += 1
                    if message.metadata.sequence.consumer != number:  # one was lost with a connection
                        raise bus_unavailable()
                    yield message
        finally:
            with contextlib.suppress(NatsError, OSError):  # or its error would take the place of what came before
                await subscription.unsubscribe()
                await jetstream.delete_consumer(stream, str(config.name))  # pull_subscribe has named it
    except (NatsError, OSError) as error:
        raise bus_unavailable() from error
