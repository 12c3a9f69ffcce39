"""The two ends of a webhook without a bus between them: an endpoint that answers at once, and a bare aiohttp loop that posts to it.

The loop posts what the bus does, signed by the library that signs there: a receiver would take nothing else.

Each is a process of its own. So the endpoint shares the cores with whoever sends in the same way, with the gateway and with the loop.

python tests/bench/webhook_peers.py endpoint
python tests/bench/webhook_peers.py loop URL CONCURRENCY BODIES COUNT
"""

import asyncio
import base64
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import orjson
import uvloop
from aiohttp import web
from standardwebhooks import Webhook


class Endpoint:
    """Counts what it gets.

    Args:
        kept: bodies that are kept, for a loop that is to post the same.
    """

    def __init__(self, kept: int = 1000) -> None:
        self._kept = kept
        self._forget()

    def _forget(self) -> None:
        self.received, self.first, self.last = 0, 0.0, 0.0
        self.ids: set[str] = set()
        self.bodies: list[str] = []

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Take a POST; tell with GET what came since the last GET of `/forget`."""
        if request.method == "POST":
            body = await request.read()
            self.last = time.perf_counter()
            self.first = self.first or self.last
            self.received += 1
            self.ids.add(request.headers.get("webhook-id", ""))
            if len(self.bodies) < self._kept:
                self.bodies.append(body.decode())
            return web.Response()
        if request.path == "/bodies":
            return web.Response(body=orjson.dumps(self.bodies))
        if request.path == "/forget":
            self._forget()
        seconds = self.last - self.first
        told = {"received": self.received, "ids": len(self.ids), "seconds": seconds, "until": self.last}
        return web.Response(body=orjson.dumps(told))


async def serve() -> None:
    """Serve at a port that the first line of the output names."""
    runner = web.ServerRunner(web.Server(Endpoint().answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"READY {runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


async def post(url: str, concurrency: int, bodies: list[str], count: int) -> None:
    """Post as many bodies, some at the same time, and print the processor time of that."""
    numbers = iter(range(count))
    signer = Webhook("whsec_" + base64.b64encode(bytes(32)).decode())
    async with aiohttp.ClientSession() as session:

        async def poster() -> None:
            for number in numbers:
                body, now = bodies[number % len(bodies)], int(time.time())
                message_id = f"{now:08x}-0000-7000-8000-{number:012x}"
                headers = {
                    "Content-Type": "application/cloudevents+json; charset=utf-8",
                    "webhook-id": message_id,
                    "webhook-timestamp": str(now),
                    "webhook-signature": signer.sign(message_id, datetime.fromtimestamp(now, UTC), body),
                }
                async with session.post(url, data=body.encode(), headers=headers) as answer:
                    await answer.read()

        used = time.process_time()
        await asyncio.gather(*(poster() for _ in range(concurrency)))
    print(f"READY {time.process_time() - used}", flush=True)


if __name__ == "__main__":
    role, *arguments = sys.argv[1:]
    if role == "endpoint":
        uvloop.run(serve())
    else:
        url, concurrency, bodies, count = arguments
        uvloop.run(post(url, int(concurrency), orjson.loads(Path(bodies).read_bytes()), int(count)))
