"""Whatever raises in a gateway, its log says in which file, at which line and in which function, and holds no value of a document."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs
from structlog.typing import EventDict
from support.workbench import NUMBER, Workbench

from lgsp_auth.signing_keys import ALGORITHM
from lgsp_auth.tokens import Verifier
from lgsp_auth.trusted_issuer import Issuer
from lgsp_gateway.app import with_addresses
from lgsp_gateway.calls.build import CallBuses, open_pipeline
from lgsp_gateway.calls.document_checks import DocumentChecks
from lgsp_gateway.calls.execution.drained_services import DrainedServices
from lgsp_gateway.calls.identification import Identification
from lgsp_gateway.calls.replay_guard import JetStreamReplayGuard
from lgsp_gateway.delivery.files.build import FileDependencies, create_files
from lgsp_gateway.delivery.files.call_files import CallFiles
from lgsp_gateway.delivery.files.folder_store import FolderStore
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.delivery.storage.space import StorageSpace
from lgsp_gateway.delivery.storage.stored_bytes import StoredBytes
from lgsp_gateway.document_workers.pool import DocumentWorkers
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.evidence.build import EvidenceWriting
from lgsp_gateway.faces.rest.calls import RestCalls
from lgsp_gateway.http.connection_limits import ConnectionLimits
from lgsp_gateway.http.server import HttpServer
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.nats.auth_callout import NatsAuthCallout
from lgsp_gateway.observability.call_observer import CallTelemetry
from lgsp_gateway.observability.metrics import Metrics
from lgsp_gateway.registry.build import RegistryParts
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.nats.connect import connect_for_calls
from lgsp_runtime.nats.connection import NatsEndpoint, connect
from lgsp_runtime.nats.request_reply import NatsRequestReply
from lgsp_runtime.security_events import SecurityLog

PERSON = "022093001234"
HERE = "faults/test_errors_are_located.py"


def located(line: EventDict, function: str) -> bool:
    """Does a log line name a line of this file in this function, and no value?"""
    assert PERSON not in repr(line)
    return any(frame.split(":")[0].endswith(HERE) and frame.endswith(f" {function}") for frame in line["frames"])


class _BrokenPipeline:
    async def call(self, _: Any) -> Any:
        return self._send(PERSON)

    def _send(self, number: str) -> int:
        try:
            return int(f"{number} is no number")
        except ValueError as error:
            raise KeyError(number) from error


async def _broken_handler(_: web.Request) -> web.Response:
    raise ValueError(PERSON)


@pytest.fixture(params=[True, False], ids=["fast path", "no fast path"])
async def address(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    app = HttpServer.application()
    app.router.add_get("/broken", _broken_handler)
    face = RestCalls(_BrokenPipeline(), lambda: False)  # type: ignore[arg-type]
    server = HttpServer(face, app, lambda: False, ConnectionLimits(), fast_path=request.param)
    port = await server.open("127.0.0.1", 0, None, share_port=False)
    yield f"http://127.0.0.1:{port}"
    await server.close()


async def test_a_call(address: str) -> None:
    with capture_logs() as logged:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{address}/services/desk/v1/read", json={"soDinhDanh": PERSON}) as answer,
        ):
            problem = await answer.json(content_type="application/problem+json")
    assert (answer.status, problem["code"]) == (500, "internal-error")
    assert PERSON not in str(problem)
    [line] = [line for line in logged if line["event"] == "internal error"]
    assert line["message"] == answer.headers["Lgsp-Message-Id"]
    assert located(line, "_send")
    assert "ValueError" in line["frames"], "the cause is told too"


async def test_the_api(address: str) -> None:
    with capture_logs() as logged:
        async with aiohttp.ClientSession() as session, session.get(f"{address}/broken") as answer:
            problem = await answer.json(content_type="application/problem+json")
    assert problem["code"] == "internal-error"
    [line] = [line for line in logged if line["event"] == "internal error"]
    assert line["message"] == answer.headers["Lgsp-Message-Id"]
    assert located(line, "_broken_handler")


class Broken:
    """A part of a gateway each of whose methods raises, with what it was called with in the text of the error."""

    def __getattr__(self, name: str) -> Any:
        return self._break

    def _break(self, *given: object, **more: object) -> None:
        raise LookupError(f"{PERSON} {given} {more}")


class BrokenRequests(NatsRequestReply):
    """NATS, on which nothing can be published."""

    def ask(self, *given: Any, **_: Any) -> None:
        self._break(given)

    def _break(self, given: object) -> None:
        raise LookupError(f"{PERSON} {given}")


@asynccontextmanager
async def calls_of(bus: Workbench, **broken: Any) -> AsyncIterator[str]:
    """The calls of one more gateway of a bus, some of whose parts are others: its address."""
    async with AsyncExitStack() as stack, Background() as background:
        settings = with_addresses(bus.settings("located", 0), None)
        keys, security = KeyStore(settings.keys, settings.public_url), SecurityLog("", "located")
        requests, workers = NatsRequestReply(), DocumentWorkers(1)
        stack.push_async_callback(workers.stop)
        registry = RegistryParts.create(requests, security, workers)
        connection = await connect(bus.endpoint("gateway"), "located", background=background)
        stack.push_async_callback(connection.close)
        calls = await connect_for_calls(bus.endpoint("gateway"), "located calls", background=background)
        stack.push_async_callback(calls.close)
        await requests.start(calls)
        stack.callback(requests.stop)
        await registry.start(stack, settings, connection, background)
        evidence = await EvidenceWriting.open(stack, settings, keys, requests, connection, background)
        verifier = Verifier([Issuer(settings.public_url, (ALGORITHM,), keys.find)])
        identification = Identification(
            verifier, registry.snapshot, settings.public_url, JetStreamReplayGuard(requests)
        )
        observer = CallTelemetry(Metrics(), None, security)
        store = FolderStore(bus.state.root / "located")
        cipher = PayloadCipher(keys.storage_keys)
        bounds = StorageBounds(
            StorageSpace(), StoredBytes(requests, "located"), registry.snapshot, settings.agency_storage_mib << 20
        )
        needs = FileDependencies(settings, cipher, registry.snapshot, evidence.log, security, background, bounds)
        files = create_files(needs, requests, store)
        checks = DocumentChecks(workers, CallFiles(files.references, workers))
        pipeline = await open_pipeline(
            settings,
            registry.snapshot,
            identification,
            CallBuses(requests, requests, DrainedServices()),
            connection,
            evidence,
            observer,
            checks,
        )
        evidence.log.start(background)
        stack.push_async_callback(evidence.log.stop)
        if "log_on" in broken:
            log = EvidenceLog(broken.pop("log_on"), "evidence.located", evidence.publisher)
            log.start(background)
            broken["evidence"] = log
        face = RestCalls(replace(pipeline, **broken), lambda: False)
        server = HttpServer(face, HttpServer.application(), lambda: False, ConnectionLimits())
        stack.push_async_callback(server.close)
        yield f"http://127.0.0.1:{await server.open('127.0.0.1', 0, None, share_port=False)}"
        await background.stop()


@pytest.mark.parametrize(
    ("part", "file", "function"),
    [
        ("identification", "calls/pipeline.py", "call"),
        ("authorizations", "calls/pipeline.py", "_authorize"),
        ("quotas", "calls/pipeline.py", "_take_quota"),
        ("checks", "calls/pipeline.py", "_govern"),
        ("pseudonyms", "calls/pipeline.py", "_govern"),
        ("execution", "calls/pipeline.py", "_execute"),
        ("evidence", "calls/pipeline.py", "call"),
        ("observer", "calls/pipeline.py", "call"),
        ("log_on", "evidence/append/log.py", "_publish_batch"),
    ],
)
async def test_each_part_that_a_call_passes(bus: Workbench, part: str, file: str, function: str) -> None:
    serving = await bus.serve()
    broken = BrokenRequests() if part == "log_on" else Broken()
    headers = {"Authorization": f"Bearer {bus.token('alpha')}", "Lgsp-Purpose": "thu-nghiem"}
    with capture_logs() as logged:
        async with (
            calls_of(bus, **{part: broken}) as url,
            aiohttp.ClientSession(url, headers=headers) as session,
            session.post("/services/desk/v1/read", json={"soDinhDanh": NUMBER}) as answer,
        ):
            problem = await answer.json(content_type="application/problem+json")
    await bus.unserve(serving)
    assert (answer.status, problem["code"]) == (500, "internal-error")
    line = next(line for line in logged if line["event"] == "internal error")
    assert line["message"] == answer.headers["Lgsp-Message-Id"]
    assert located(line, "_break")
    assert any(f"{file}:" in frame and frame.endswith(f" {function}") for frame in line["frames"]), line["frames"]
    assert NUMBER not in repr(logged)
    assert PERSON not in repr(logged)
    assert PERSON not in str(problem)


@pytest.mark.parametrize("fast", [True, False], ids=["fast path", "no fast path"])
async def test_what_a_subscription_hears(bus: Workbench, fast: bool) -> None:
    def take(_subject: bytes, _reply: bytes, data: bytes, _headers: bytes) -> None:
        raise ValueError(data)

    with capture_logs() as logged:
        async with Background() as background:
            connection = await connect_for_calls(
                bus.endpoint("gateway"), "located", background=background, fast_path=fast
            )
            await connection.subscribe("svc.desk.v1.located", take)
            connection.publish_nowait("svc.desk.v1.located", PERSON.encode())
            line = await until(logged, "background callback failed")
            await connection.close()
    assert line["error"] == "ValueError"
    assert located(line, "take")


async def test_the_auth_callout(breakable_bus: Workbench) -> None:
    """The servers ask this one, since no other gateway is there; its verifier raises the token that it is shown."""
    bus = breakable_bus
    await bus.gateway.stop()
    with capture_logs() as logged:
        async with Background() as background:
            connection = await connect(bus.endpoint("gateway"), "located", background=background)
            key, security = KeyStore(bus.state.keys).account_key(), SecurityLog("", "located")
            callout = NatsAuthCallout(Broken(), RegistrySnapshot(), key, security, background)  # type: ignore[arg-type]
            await callout.start(connection)
            with pytest.raises(Refusal):
                await connect(NatsEndpoint(bus.nats_url, token=lambda: f"token-{PERSON}"), "caller")
            line = await until(logged, "background callback failed")
            await connection.close()
    assert line["work"] == "nats auth callout"
    assert located(line, "_break")
    assert any("nats/auth_callout.py:" in frame and frame.endswith(" _on_request") for frame in line["frames"])
    assert PERSON not in repr(logged)


async def until(logged: list[EventDict], event: str) -> EventDict:
    async with asyncio.timeout(20):
        while not (lines := [line for line in logged if line["event"] == event]):
            await asyncio.sleep(0.01)
    return lines[0]


async def test_work_that_nobody_waits_for() -> None:
    async def leave_behind() -> None:
        raise ValueError(PERSON)

    with capture_logs() as logged:
        async with Background() as background:
            background.run_once("located", leave_behind())
            line = await until(logged, "background callback failed")
    assert located(line, "leave_behind")


async def test_a_callback_of_the_event_loop() -> None:
    def call_back() -> None:
        raise ValueError(PERSON)

    with capture_logs() as logged:
        async with Background():
            asyncio.get_running_loop().call_soon(call_back)
            line = await until(logged, "background callback failed")
    assert located(line, "call_back")


async def test_a_background_task() -> None:
    tried = asyncio.Event()

    async def _broken_task() -> None:
        tried.set()
        raise ValueError(PERSON)

    with capture_logs() as logged:
        async with Background() as background, asyncio.timeout(20):
            background.run_every("broken", 0.05, _broken_task, within=None)
            await tried.wait()
            while not any("frames" in line for line in logged):
                await asyncio.sleep(0.01)
    line = next(line for line in logged if "frames" in line)
    assert located(line, "_broken_task")
