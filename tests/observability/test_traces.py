"""One trace from the caller's request through NATS and the adapter to the system behind it, in a real collector's protocol."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest_asyncio
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from support.later import entries_of, send, until
from support.workbench import Workbench

from lgsp_adapters.adapter import Call
from lgsp_adapters.upstream import Upstream
from lgsp_runtime import tracing
from lgsp_runtime.tracing import Spans

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@dataclass
class Collector:
    """Receives spans (OTLP over HTTP), and is the system behind an adapter too."""

    url: str = ""
    spans: list[Any] = field(default_factory=list)
    asked_with: list[str] = field(default_factory=list)

    def named(self, name: str) -> Any:
        return next(span for span in self.spans if span.name == name)

    async def until(self, *names: str) -> None:
        async with asyncio.timeout(20):
            while not set(names) <= {span.name for span in self.spans}:
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture
async def collector() -> AsyncIterator[Collector]:
    found = Collector()

    async def collect(request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                found.spans += scope.spans
        return web.Response(content_type="application/x-protobuf")

    async def answer(request: web.Request) -> web.Response:
        found.asked_with.append(request.headers["traceparent"])
        return web.json_response({"ketQua": "KHOP"})

    app = web.Application()
    app.router.add_post("/v1/traces", collect)
    app.router.add_post("/upstream", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@pytest_asyncio.fixture
async def traced(breakable_bus: Workbench, collector: Collector) -> AsyncIterator[Workbench]:
    bus = breakable_bus
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    await bus.gateway.stop()
    bus.gateway.environment |= settings
    await bus.gateway.start()
    before = dict(os.environ)
    os.environ.update(settings)
    upstream, spans = Upstream(collector.url), Spans(tracing.create_provider("lgsp-adapter", "test"))

    async def ask(request: dict[str, Any], call: Call) -> dict[str, Any]:
        return await upstream.post_json("/upstream", call, request)

    await bus.serve(read=ask, spans=spans)
    yield bus
    await upstream.close()
    spans.close()
    os.environ.clear()
    os.environ.update(before)


async def test_a_trace_goes_all_the_way(traced: Workbench, collector: Collector) -> None:
    got = await traced.call(headers={"traceparent": SENT})
    assert got.status == 200
    await collector.until("POST desk/read", "provider", "evidence", "desk/read", "POST 127.0.0.1")
    call, adapter = collector.named("POST desk/read"), collector.named("desk/read")
    upstream = collector.named("POST 127.0.0.1")
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert call.parent_span_id.hex() == "00f067aa0ba902b7"
    assert got.headers["traceparent"] == f"00-{TRACE}-{call.span_id.hex()}-01"
    assert adapter.parent_span_id == call.span_id
    assert upstream.parent_span_id == adapter.span_id
    assert collector.asked_with == [f"00-{TRACE}-{upstream.span_id.hex()}-01"]
    about = {one.key: one.value for one in call.attributes}
    assert about["lgsp.message"].string_value == got.message
    assert about["http.response.status_code"].int_value == 200
    assert call.start_time_unix_nano <= upstream.start_time_unix_nano
    assert "022093001234" not in str(collector.spans)


async def test_a_refused_call_is_traced_and_begins_its_own(traced: Workbench, collector: Collector) -> None:
    got = await traced.call("read-person", system="beta")
    assert got.status == 403
    await collector.until("POST desk/read-person")
    span = collector.named("POST desk/read-person")
    assert span.parent_span_id == b""
    assert got.headers["traceparent"] == f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"
    assert got.headers["Server-Timing"].startswith("total;dur=")


async def test_what_its_caller_does_not_record_is_not_recorded(traced: Workbench, collector: Collector) -> None:
    assert (await traced.call(headers={"traceparent": SENT[:-1] + "0"})).status == 200
    await traced.call("narrow")
    await collector.until("POST desk/narrow")
    assert not [span for span in collector.spans if span.trace_id.hex() == TRACE]
    assert collector.asked_with == [SENT[:-1].replace("00f067aa0ba902b7", collector.asked_with[0][36:52]) + "0"]


async def test_the_trace_of_a_message_goes_to_its_provider(traced: Workbench, collector: Collector) -> None:
    got = await send(traced, headers={"traceparent": SENT})
    assert got.status == 202
    await until(traced, got.message, "answered")
    await collector.until("POST desk/read", "desk/read", "POST 127.0.0.1")
    adapter, upstream = collector.named("desk/read"), collector.named("POST 127.0.0.1")
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert adapter.parent_span_id == collector.named("POST desk/read").span_id
    assert collector.asked_with == [f"00-{TRACE}-{upstream.span_id.hex()}-01"]
    assert {entry["trace"] for entry in await entries_of(traced, got.message)} == {TRACE}
