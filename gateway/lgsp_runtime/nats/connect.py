"""Connect for calls, with the fast client or with nats-py's public interface alone."""

from nats.errors import Error as NatsError

from lgsp_runtime.background import Background
from lgsp_runtime.nats.client import CallClient
from lgsp_runtime.nats.connection import SERVER_SECONDS, START_SECONDS, NatsEndpoint, cannot_connect
from lgsp_runtime.nats.fast_client import FastNatsClient, Hook
from lgsp_runtime.nats.public_client import PublicNatsClient


async def connect_for_calls(
    door: NatsEndpoint,
    name: str,
    on_disconnected: Hook | None = None,
    on_reconnected: Hook | None = None,
    background: Background | None = None,
    *,
    fast_path: bool = True,
) -> CallClient:
    """Connect, and stay connected until `close`.

    Args:
        name: what the server calls this connection in its monitoring.
        on_disconnected, on_reconnected: awaited when the connection is lost, before the next attempt, and when it is there again.
        background: where the connection is looked after; its own, when None.
        fast_path: with the client of our own; else with nats-py's public interface.

    Raises:
        Refusal: `cannot-start`, when nothing answers at the address or the user is refused.
    """
    if not fast_path:
        public = PublicNatsClient(door, name, on_disconnected, on_reconnected)
        await public.connect(background)
        return public
    try:
        fast = FastNatsClient(door, name, on_disconnected, on_reconnected)
        await fast.connect(START_SECONDS + SERVER_SECONDS * (len(door.servers) - 1), background)
    except (TimeoutError, OSError, NatsError, ValueError) as error:
        raise await cannot_connect(door.url, error) from error
    return fast
