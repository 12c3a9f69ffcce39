"""Reads many messages of a subject with one request, by JetStream's batched direct get (ADR-31 of NATS, server 2.11).

One request for each message costs a round trip each, and a consumer would be the servers' to make, to agree on and to forget.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg

from lgsp_runtime.nats.request_reply import bus_unavailable

T = TypeVar("T")

SECONDS = 5.0
"""How long a batch may take."""
BATCH_BYTES = 4 * 1024 * 1024

_END_OF_BATCH, _NOT_FOUND = "204", "404"


async def read_batch(
    connection: Client, stream: str, subject: str, sequence: int, size: int, parse: Callable[[Msg], T]
) -> tuple[list[T], bool]:
    """Read the messages of a subject from a sequence on.

    Any server that has the stream may answer, also one that has not heard of the newest messages yet.

    Args:
        subject: may have wildcards.
        sequence: of the stream, at least 1.
        size: messages at most; a batch of large ones is shorter, but never empty where there is one.
        parse: returns what is wanted of a message; the rest of it is let go before the next one comes.

    Returns:
        What was wanted, in the order of the stream, and whether the stream has more of the subject.

    Raises:
        Refusal: `bus-unavailable`, where JetStream does not answer in time.
        nats.errors.Error: the connection failed.
    """
    inbox = connection.new_inbox()
    subscription = await connection.subscribe(inbox, max_msgs=size + 1)
    wanted = {"seq": sequence, "next_by_subj": subject, "batch": size, "max_bytes": BATCH_BYTES}
    found: list[T] = []
    try:
        await connection.publish(f"$JS.API.DIRECT.GET.{stream}", orjson.dumps(wanted), reply=inbox)
        async with asyncio.timeout(SECONDS):
            while True:
                reply = await subscription.next_msg(timeout=SECONDS)
                headers = reply.headers or {}
                if headers.get("Status"):
                    if headers["Status"] not in (_END_OF_BATCH, _NOT_FOUND):
                        raise bus_unavailable()
                    return found, int(headers.get("Nats-Num-Pending", "0")) > 0
                found.append(parse(reply))
    except TimeoutError as error:
        raise bus_unavailable() from error
    finally:
        await subscription.unsubscribe()
