"""The baseline that a governed call is measured against: aiohttp and nats-py wired together, with no check at all.

python tests/bench/baseline.py gateway PORT NATS_URL
python tests/bench/baseline.py adapter NATS_URL
"""

import asyncio
import sys

import nats
import uvloop
from aiohttp import web

ANSWERS = {"verify": b'{"ketQua":"KHOP","doTinCay":1.0}', "copy": b'{"noiDung":"%b"}' % (b"x" * 64 * 1024)}


async def gateway(port: int, nats_url: str) -> None:
    connection = await nats.connect(nats_url)

    async def call(request: web.Request) -> web.Response:
        body = await request.read()
        answer = await connection.request(f"svc.bench.{request.match_info['operation']}", body, timeout=5)
        return web.Response(body=answer.data, content_type="application/json")

    app = web.Application()
    app.router.add_post("/services/{service}/v1/{operation}", call)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("READY", flush=True)
    await asyncio.Event().wait()


async def adapter(nats_url: str) -> None:
    connection = await nats.connect(nats_url)

    async def answer(message: nats.aio.msg.Msg) -> None:
        await message.respond(ANSWERS[message.subject.rpartition(".")[2]])

    await connection.subscribe("svc.bench.*", queue="bench", cb=answer)
    await connection.flush()
    print("READY", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    role, *arguments = sys.argv[1:]
    uvloop.run(gateway(int(arguments[0]), arguments[1]) if role == "gateway" else adapter(arguments[0]))
