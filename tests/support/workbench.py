"""A bus to try things on: nats-server, a gateway in a process of its own, and adapters that do what a test says.

Its contract has an operation of every kind, its registry systems with every kind of grant.
"""

import asyncio
import json
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from nats.aio.client import Client

from lgsp_adapters.adapter import NOT_TRACED, Adapter, Call
from lgsp_adapters.host.instance import Instance, Trials
from lgsp_adapters.host.served_adapter import ServedAdapter
from lgsp_adapters.manifest import Manifest
from lgsp_auth.issuing import AccessTokens
from lgsp_auth.roles import ROLES
from lgsp_auth.signing_keys import SigningKey
from lgsp_contracts import catalog
from lgsp_contracts import entry as entries
from lgsp_contracts.source_location import SourceLocation
from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.local import nats_config
from lgsp_gateway.local.state_dir import StateDir
from lgsp_gateway.nats.auth_callout import ACCOUNT
from lgsp_runtime.nats.client import CallClient
from lgsp_runtime.nats.connect import connect_for_calls
from lgsp_runtime.nats.connection import NatsEndpoint, connect
from lgsp_runtime.tracing import Spans
from support import nats_servers
from support.preloaded import Preloaded
from support.processes import Process, free_port
from support.repeated_calls import Answer, once_for_each_call
from support.waits import SECONDS, eventually

FAST_PATH = os.environ.get("LGSP_TEST_FAST_PATH", "on")
"""Of all gateways and adapters here: tests that name it in `.ci/fast-path-off` run a second time with `off`."""

NUMBER = "022093001234"
NAME = "Nguyễn Văn An"
MAX_GROUPS = 20_000
"""Among which an entry is looked for, of the newest."""
OWNER = secrets.token_urlsafe()

TEXT = {"vi": "Thử", "en": "Try"}
REQUEST = {
    "type": "object",
    "required": ["soDinhDanh"],
    "additionalProperties": False,
    "properties": {
        "soDinhDanh": {"type": "string", "format": "so-dinh-danh"},
        "hoVaTen": {"type": "string", "maxLength": 120},
    },
}
RESPONSE = {
    "type": "object",
    "required": ["ketQua"],
    "additionalProperties": False,
    "properties": {
        "ketQua": {"type": "string", "maxLength": 100000},
        "biMat": {"type": "string"},
        "cha": {"type": "object", "properties": {"hoVaTen": {"type": "string"}, "tonGiao": {"type": "string"}}},
    },
}
NUMBERS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"so": {"type": "integer"}, "tien": {"type": "number", "multipleOf": 0.01, "maximum": 1e30}},
}
SUM = {"request": {"so": 1}, "response": {"tien": 12.5}}
EXAMPLE = {"request": {"soDinhDanh": NUMBER}, "response": {"ketQua": "KHOP"}}


def _operation(**more: Any) -> dict[str, Any]:
    return {
        "title": TEXT,
        "subject": "/soDinhDanh",
        "timeout": "700ms",
        "idempotent": True,
        "request": REQUEST,
        "response": RESPONSE,
        "errors": {"person-not-found": {"status": 404, "title": {"vi": "Không có người này", "en": "No such person"}}},
        "example": EXAMPLE,
        **more,
    }


LATER = {"async": {"deliveryDeadline": "72h", "answerRetention": "24h"}}

CONTRACTS = [
    {
        "service": "desk",
        "version": "1.0.0",
        "title": TEXT,
        "provider": "provider",
        "classification": "internal",
        "operations": {
            "read": _operation(**LATER),
            "read-person": _operation(classification="personal"),
            "register": _operation(idempotent=False, **LATER),
            "register-once": _operation(
                idempotent=False, idempotencyKey={"required": True, "deduplicated": True}, timeout="2s", **LATER
            ),
            "narrow": _operation(**LATER),
            "wait": _operation(timeout="5s", **{"async": {"deliveryDeadline": "1s", "answerRetention": "1m"}}),
        },
    },
    {
        "service": "hidden",
        "version": "1.0.0",
        "title": TEXT,
        "provider": "provider",
        "classification": "internal",
        "listed": False,
        "operations": {
            "read": _operation(),
            "reckon": _operation(request=NUMBERS, response=NUMBERS, subject="/so", example=SUM),
        },
    },
]

ALL = ["*"]


def document(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "lgsp/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def grant(
    name: str, consumer: str, service: str = "desk", requests: int = 100_000, **operations: list[str]
) -> dict[str, Any]:
    return document(
        "Grant",
        name,
        consumer=consumer,
        service=service,
        major=1,
        operations={key.replace("_", "-"): {"fields": fields} for key, fields in operations.items()},
        purposes=["thu-nghiem"],
        legalBasis="Thử nghiệm",
        quota={"requests": requests, "per": "hour"},
        validFrom="2020-01-01",
        validUntil="2040-01-01",
    )


class Workbench:
    """The bus. Call `start`, then `call`; `serve` puts an adapter on it."""

    def __init__(
        self,
        folder: Path,
        requests: int = 100_000,
        *,
        contracts: Sequence[dict[str, Any]] = CONTRACTS,
        documents: Sequence[dict[str, Any]] = (),
        servers: int = nats_servers.COUNT,
    ) -> None:
        """Args: `contracts` of its catalogue; `documents` of its registry, beside its own; `servers` of NATS, 1 or 3."""
        self._requests = requests
        self._contracts = contracts
        self._documents = documents
        self.state = StateDir(folder / "state")
        self.catalog_folder = folder / "catalog"
        self.port = free_port()
        self.nats_ports = [free_port() for _ in range(servers)]
        self.route_ports = [free_port() for _ in range(servers)] if servers > 1 else [0]
        self.keys: dict[str, SigningKey] = {}
        self.adapters: dict[ServedAdapter, CallClient] = {}
        self.deliverer: Process | None = None
        self.shared = False
        """Tests of other files follow on it: what cannot be undone is not done here."""
        self._tokens: dict[str, str] = {}

    async def start(self, *options: str) -> "Workbench":
        """Start it, the gateway with further options."""
        self.state.make()
        self.catalog_folder.mkdir(parents=True)
        for contract in self._contracts:
            (self.catalog_folder / f"{contract['service']}.yaml").write_text(
                yaml.safe_dump(contract, allow_unicode=True, sort_keys=False)
            )
        self.catalog = catalog.load(self.catalog_folder)
        self._write_registry()
        account = KeyStore(self.state.keys).account_key().public
        servers = nats_config.write(self.state, list(zip(self.nats_ports, self.route_ports, strict=True)), account)
        for number, server in enumerate(servers):
            found = json.loads(server.config.read_text())
            self.adjust_server(number, found)
            found["accounts"][ACCOUNT]["users"].append({"user": "owner-of-the-disk", "password": OWNER})
            found["authorization"]["auth_callout"]["auth_users"].append("owner-of-the-disk")
            server.config.write_text(json.dumps(found))
        self.nats = nats_servers.NatsServers(servers, self.state.logs)
        await self.start_nats()
        self.gateway: Process = self.another_gateway("bench", self.port)
        self.gateway.command += options
        await self.gateway.start()
        self.session = aiohttp.ClientSession(f"http://127.0.0.1:{self.port}")
        return self

    def another_gateway(self, name: str, port: int) -> Process:
        """One more gateway of this bus, to start: the issuer of its tokens is the first one's address."""
        command = ["gateway", "run", "--name", name, "--port", str(port), "--nats", self.nats_url]
        command += ["--nats-passwords", str(nats_config.passwords(self.state)), "--keys", str(self.state.keys)]
        command += ["--registry", str(self.state.registry), "--catalog", str(self.catalog_folder)]
        command += ["--public-url", f"http://127.0.0.1:{self.port}", "--fast-path", FAST_PATH]
        command += ["--replicas", str(len(self.nats_ports))]
        command += ["--webhook-networks", "127.0.0.1:1-65535"]
        return Preloaded(command, self.state.logs / f"gateway-{name}.log")

    async def start_deliverer(self) -> int:
        """Start one more gateway, which only delivers: the first one was started with `--roles http`. Return its port."""
        port = free_port()
        self.deliverer = self.another_gateway("deliverer", port)
        self.deliverer.command += ["--roles", "delivery"]
        await self.deliverer.start()
        return port

    async def stop(self) -> None:
        for adapter in list(self.adapters):
            await self.unserve(adapter)
        await self.session.close()
        if self.deliverer:
            await self.deliverer.stop()
        await self.gateway.stop()
        await self.nats.stop()

    @property
    def nats_url(self) -> str:
        return ",".join(f"nats://127.0.0.1:{port}" for port in self.nats_ports)

    @property
    def nats_port(self) -> int:
        """Of the only server."""
        [port] = self.nats_ports
        return port

    async def empty_stream(self, name: str) -> None:
        """Remove the messages of a stream, as when they have become too old."""
        connection = await connect(NatsEndpoint(self.nats_url, "owner-of-the-disk", OWNER), "test")
        await connection.jetstream().purge_stream(name)
        await connection.close()

    async def drop_stream(self, name: str) -> None:
        """Remove a stream behind the gateway's back: as whoever owns the disk can, and no user of the bus."""
        connection = await connect(NatsEndpoint(self.nats_url, "owner-of-the-disk", OWNER), "test")
        await connection.jetstream().delete_stream(name)
        await connection.close()

    async def start_nats(self) -> None:
        await self.nats.start()

    def adjust_server(self, number: int, config: dict[str, Any]) -> None:
        """Change the configuration of a NATS server, counted from 0, before it is started."""

    def settings(self, name: str, port: int, **more: Any) -> GatewaySettings:
        """The settings of a second gateway, inside the process of the test."""
        return GatewaySettings(
            name=name,
            port=port,
            public_url=f"http://127.0.0.1:{self.port}",
            nats=self.nats_url,
            nats_passwords=nats_config.passwords(self.state),
            keys=self.state.keys,
            registry=self.state.registry,
            catalog=self.catalog_folder,
            replicas=len(self.nats_ports),
            **more,
        )

    def endpoint(self, user: str) -> NatsEndpoint:
        """Of the gateway's own users by password, of a system by its token."""
        if user in self.keys:
            return NatsEndpoint(self.nats_url, token=lambda: self.token(user))
        return NatsEndpoint.with_password_file(self.nats_url, user, nats_config.passwords(self.state) / user)

    async def nats_client(self, system: str, on_refused: Callable[[Exception], Awaitable[None]]) -> Client:
        """nats-py's client, as it comes, with the token of a system.

        Args:
            on_refused: told of what the server refuses.
        """
        endpoint = NatsEndpoint(self.nats_url, token=lambda: self.token(system))
        client = Client()
        await client.connect(
            endpoint.servers, **endpoint.credentials, name="knock", error_cb=on_refused, reconnect_time_wait=0
        )
        return client

    async def serve(
        self,
        service: str = "desk",
        spans: Spans = NOT_TRACED,
        instance: Instance | None = None,
        trials: Trials = "none",
        **answers: Answer,
    ) -> ServedAdapter:
        """Put an adapter on the bus; operations that are not named answer KHOP."""

        async def match(request: dict[str, Any], call: Call) -> dict[str, Any]:
            with call.upstream_time:
                return {"ketQua": "KHOP"}

        class Told(Adapter):
            def method(self, operation: str) -> Answer:
                return once_for_each_call(answers.get(operation.replace("-", "_"), match))

        connection = await connect_for_calls(
            self.endpoint("provider"), f"test adapter {service}", fast_path=FAST_PATH == "on"
        )
        told = {"service": service, "major": 1, "system": "provider", "kind": "python"}
        manifest = Manifest(SourceLocation("test"), told, {}, Path())
        served = ServedAdapter(
            Told({}),
            manifest,
            self.catalog[service, 1],
            connection,
            spans,
            instance=instance or Instance(trials=trials),
        )
        await served.start()
        self.adapters[served] = connection
        return served

    async def unserve(self, served: ServedAdapter) -> None:
        connection = self.adapters.pop(served)
        await served.stop()
        await connection.close()

    async def cut(self, served: ServedAdapter) -> None:
        """Take an adapter off the bus in the middle of its work."""
        connection = self.adapters.pop(served)
        await connection.close()

    def forget_tokens(self) -> None:
        """Sign other tokens from now on: those of before have ended, say."""
        self._tokens.clear()

    def token(self, system: str, life: int = 3600) -> str:
        if system not in self._tokens or life != 3600:
            store = KeyStore(self.state.keys)
            url = f"http://127.0.0.1:{self.port}"
            token = AccessTokens(url, store.ring, life).sign(system, time.time())
            if life != 3600:
                return token
            self._tokens[system] = token
        return self._tokens[system]

    async def call(
        self,
        operation: str = "read",
        body: Any = None,
        *,
        system: str = "alpha",
        service: str = "desk",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> "Got":
        """Call and read the answer."""
        sent = {"Authorization": f"Bearer {self.token(system)}", "Content-Type": "application/json", **(headers or {})}
        sent = {name: value for name, value in sent.items() if value}
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        if body is None:
            data = json.dumps({"soDinhDanh": NUMBER}).encode()
        async with self.session.post(f"/services/{service}/v1/{operation}", data=data, headers=sent, **more) as answer:
            return Got(answer.status, await answer.read(), answer.headers)

    async def answers(self, expected: Callable[["Got"], bool], *arguments: Any, **more: Any) -> "Got":
        """Call until the answer is as expected."""
        last: list[Got] = []

        async def called() -> bool:
            last[:] = [await self.call(*arguments, **more)]
            return expected(last[0])

        await eventually(called, seen=lambda: [(got.status, got.body) for got in last])
        return last[0]

    async def registry(
        self,
        method: str,
        path: str,
        sent_document: Any = None,
        *,
        system: str = "operator",
        headers: dict[str, str] | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> "Got":
        """Ask `/registry/…`."""
        sent = {"Authorization": f"Bearer {self.token(system)}", "Accept-Language": "en", **(headers or {})}
        async with (session or self.session).request(
            method, f"/registry/{path}", json=sent_document, headers=sent
        ) as answer:
            return Got(answer.status, await answer.read(), answer.headers)

    async def ask(
        self, method: str, path: str, body: Any = None, *, system: str = "alpha", headers: dict[str, str] | None = None
    ) -> "Got":
        """Ask a path of the management API, with a JSON body where there is one."""
        sent = {"Authorization": f"Bearer {self.token(system)}", "Accept-Language": "en", **(headers or {})}
        async with self.session.request(method, path, json=body, headers=sent) as answer:
            return Got(answer.status, await answer.read(), answer.headers)

    async def ready(self) -> None:
        """Wait until the gateway says that it serves."""

        async def is_ready() -> bool:
            async with self.session.get("/readyz") as answer:
                return answer.status == 200

        await eventually(is_ready)

    async def entries(self) -> list[dict[str, Any]]:
        """All evidence there is, as an auditor reads it, each entry held against the schema of its kind."""
        return await self._entries("after=0")

    async def _entries(self, which: str) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.token('auditor')}"}
        async with self.session.get(f"/evidence/entries?{which}", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            text = await answer.text()
        found = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
        for one in found:
            assert not entries.faults(one), (entries.faults(one), one)
        return found

    async def entry(self, message: str) -> dict[str, Any]:
        """The one entry of a message, from the newest groups back, as far as needed."""
        last = 4
        async with asyncio.timeout(SECONDS):
            while not (found := [one for one in await self._entries(f"last={last}") if one.get("message") == message]):
                assert last <= MAX_GROUPS, f"no entry of {message} among the newest"
                last *= 8
        [entry] = found
        return entry

    def _write_registry(self) -> None:
        store = KeyStore(self.state.keys)
        store.ensure()
        documents = [document("Agency", name, title=TEXT) for name in ("H49.1", "H49.2")]
        roles = {role: [role] for role in ROLES} | {"operator-2": ["operator"], "asker": ["developer"]}
        for name in ("provider", "alpha", "beta", "gamma", "poor", *roles):
            self.keys[name] = SigningKey.generate()
            agency = "H49.2" if name == "asker" else "H49.1"
            spec: dict[str, Any] = {"agency": agency, "title": TEXT, "jwks": [self.keys[name].public_jwk()]}
            documents.append(document("System", name, **spec, **({"roles": roles[name]} if name in roles else {})))
        documents += [
            grant(
                "alpha-desk",
                "alpha",
                requests=self._requests,
                read=ALL,
                read_person=ALL,
                register=ALL,
                register_once=ALL,
                narrow=["/ketQua", "/cha/hoVaTen"],
                wait=ALL,
            ),
            grant("alpha-hidden", "alpha", "hidden", read=ALL, reckon=ALL),
            grant("beta-desk", "beta", requests=self._requests, read=ALL),
            grant("poor-desk", "poor", requests=3, read=ALL),
            *self._documents,
        ]
        (self.state.registry / "registry.yaml").write_text(yaml.safe_dump_all(documents, allow_unicode=True))


class Got:
    """An answer: its status, its bytes, its headers."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return self.headers["Lgsp-Message-Id"]

    @property
    def code(self) -> str:
        return "" if self.status == 200 else self.json["code"]


def idempotency_key() -> str:
    return secrets.token_hex(16)
