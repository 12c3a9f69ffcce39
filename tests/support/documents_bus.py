"""A bus with the exchange of e-documents on it: two agencies with a document management system each, the exchange in a process of its own, and
the national axis.
"""

import asyncio
import base64
import json
import os
from pathlib import Path
from typing import Any

import yaml

from lgsp_auth.signing_keys import SigningKey
from lgsp_contracts import catalog, documents
from lgsp_runtime import durable_file
from support.document_exchange import AGENCIES, CREDENTIALS, FINANCE, HEALTH, Axis
from support.preloaded import Preloaded
from support.waits import eventually
from support.workbench import ALL, CONTRACTS, TEXT, Got, Workbench, document, grant

CONTRACT: dict[str, Any] = documents.read_first(catalog.shipped_folder() / "platform/documents.yaml")[1]
PURPOSE = "trao-doi-van-ban"
SYSTEMS = {"van-ban-tai-chinh": FINANCE, "van-ban-y-te": HEALTH, "van-ban-khac": "H49.35"}
FROM_FINANCE, FROM_HEALTH, FROM_STRANGER = SYSTEMS


class DocumentsBus(Workbench):
    """The bus, with what stands around it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        keys = {name: SigningKey.generate() for name in ("truc-van-ban", *SYSTEMS)}
        agencies = [document("Agency", code, title=TEXT) for code in ("H49", *AGENCIES)]
        systems = [
            document("System", name, agency=SYSTEMS.get(name, "H49"), title=TEXT, jwks=[key.public_jwk()])
            for name, key in keys.items()
        ]
        super().__init__(
            folder, contracts=[*CONTRACTS, CONTRACT], documents=[*agencies, *systems, *map(_grant, SYSTEMS)]
        )
        self.keys.update(keys)
        self._adapter_keys = folder / "adapter-keys"
        self._adapter_keys.mkdir(parents=True)
        durable_file.write(self._adapter_keys / "truc-van-ban.pem", keys["truc-van-ban"].to_pem())

    async def start(self, *options: str) -> "DocumentsBus":
        """Start it."""
        self.axis = await Axis(self._folder / "axis").start()
        await super().start(*options)
        manifest = {
            "service": "documents",
            "major": 1,
            "system": "truc-van-ban",
            "kind": "python",
            "adapter": "lgsp_adapters.document_exchange.exchange:DocumentExchange",
            "connection": {
                "database": f"sqlite:///{self._folder}/documents.sqlite",
                "key": base64.b64encode(os.urandom(32)).decode(),
                "local": "H49",
                "url": self.axis.url,
                "systemid": CREDENTIALS["system"],
                "secret": CREDENTIALS["secret"],
                "poll-seconds": "0.3",
                "agencies": {"yaml": "agencies.yaml"},
            },
        }
        (self._folder / "adapter.yaml").write_text(yaml.safe_dump(manifest, allow_unicode=True))
        (self._folder / "agencies.yaml").write_text(yaml.safe_dump(AGENCIES, allow_unicode=True))
        command = ["adapter", "run", str(self._folder / "adapter.yaml"), "--nats", self.nats_url]
        command += ["--gateway", f"http://127.0.0.1:{self.port}", "--keys", str(self._adapter_keys)]
        command += ["--catalog", str(self.catalog_folder), "--security-log", str(self.security_log)]
        self.exchange = Preloaded(command, self.state.logs / "exchange.log")
        await self.exchange.start()
        await eventually(lambda: self.axis.knows(HEALTH))
        return self

    @property
    def security_log(self) -> Path:
        """Return the security log of the exchange."""
        return self._folder / "security.log"

    async def stop(self) -> None:
        """Stop it."""
        await self.exchange.stop()
        await super().stop()
        await self.axis.stop()

    async def ask(self, operation: str, body: Any, system: str = FROM_FINANCE, **headers: str) -> Got:
        """Call an operation of the service."""
        sent = {"Lgsp-Purpose": PURPOSE, "Accept-Language": "en"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call(operation, body, system=system, service="documents", headers=sent)

    async def request(self, method: str, path: str, system: str, data: Any = None, **headers: str) -> Got:
        """Ask another path as a system."""
        sent = {"Authorization": f"Bearer {self.token(system)}", "Accept-Language": "en"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        options = {"data": data} if isinstance(data, bytes) else {"json": data}
        async with self.session.request(method, path, headers=sent, **options) as answer:
            return Got(answer.status, await answer.read(), answer.headers)

    async def upload(self, content: bytes, name: str, system: str = FROM_FINANCE) -> str:
        """Upload a PDF; return its reference."""
        disposition = f'attachment; filename="{name}"'
        got = await self.request(
            "POST", "/files", system, content, Content_Type="application/pdf", Content_Disposition=disposition
        )
        assert got.status == 201, got.body
        return str(got.json["href"])

    async def subscribe(self, system: str, event: str, kind: str = "pull") -> str:
        """Subscribe a system; return the path of its subscription."""
        body = {
            "name": event,
            "service": "documents",
            "major": 1,
            "events": [event],
            "purpose": PURPOSE,
            "delivery": {"kind": kind},
        }
        got = await self.request("POST", "/subscriptions", system, body)
        assert got.status == 201, got.body
        return f"/subscriptions/{got.json['id']}"

    async def pull(self, path: str, system: str, count: int) -> list[dict[str, Any]]:
        """Wait for some events of a subscription, acknowledge them, and return their data."""
        found: list[dict[str, Any]] = []

        async def are_there() -> bool:
            got = await self.request("GET", f"{path}/events?wait=2", system)
            assert got.status == 200, got.body
            items = got.json["items"]
            found.extend(item["event"]["data"] for item in items)
            if items:
                tokens = {"acknowledge": [item["token"] for item in items]}
                acknowledged = await self.request("POST", f"{path}/acknowledgements", system, tokens)
                assert acknowledged.status < 300, acknowledged.body
            return len(found) >= count

        await eventually(are_there, seen=lambda: found)
        return found

    async def first_of_stream(self, path: str, system: str) -> dict[str, Any]:
        """Return the data of the first event of a stream of server-sent events, from its beginning."""
        headers = {"Authorization": f"Bearer {self.token(system)}", "Accept": "text/event-stream", "Last-Event-ID": "0"}
        async with asyncio.timeout(10), self.session.get(f"{path}/events", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            async for line in answer.content:
                if line.startswith(b"data:") and b"maTaiLieu" in line:
                    data: dict[str, Any] = json.loads(line.removeprefix(b"data:"))["data"]
                    return data
        raise AssertionError("the stream ended")


def _grant(system: str) -> dict[str, Any]:
    made = grant(
        f"{system}-documents", system, "documents", **{name.replace("-", "_"): ALL for name in CONTRACT["operations"]}
    )
    made["spec"] |= {"events": {name: {"fields": ALL} for name in CONTRACT["events"]}, "purposes": [PURPOSE]}
    return made
