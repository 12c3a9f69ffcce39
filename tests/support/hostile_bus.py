"""A bus on which whatever a caller can name is hostile text, for the pages that show it: none of it may become markup."""

import copy
from pathlib import Path
from typing import Any

from lgsp_adapters.adapter import Call, UpstreamFailed
from lgsp_adapters.host.instance import Instance
from support.form_contract import AGENCY, CONTRACT, officers_grant
from support.searched import Searched
from support.subscribing import BIRTHS, EVENT, FIELDS, PURPOSE, REGISTERS, SERVICE, event_grant
from support.workbench import CONTRACTS, Workbench, document, grant

HOSTILE = '"><img src=x onerror=alert(1)>\u202e{{constructor}}' + "x" * 60
_TITLE = {"vi": HOSTILE, "en": HOSTILE}


class HostileBus:
    """The bus, and the names of what its pages show."""

    def __init__(self, searched: Searched, instance: Instance) -> None:
        self.searched = searched
        self.bus = searched.bus
        self.instance = instance
        self.message = self.endpoint = self.subscription = ""

    @classmethod
    async def start(cls, folder: Path) -> "HostileBus":
        index = str(folder / "index.db")
        bus = Workbench(folder, contracts=_contracts(), documents=_documents())
        searched = Searched(await bus.start("--index", index), folder, index)
        await searched.indexer.start()
        instance = Instance(host=HOSTILE)
        await bus.serve(instance=instance, read=_fail, wait=_fail)
        started = cls(searched, instance)
        await started._fill()
        return started

    async def stop(self) -> None:
        await self.searched.stop()

    async def _fill(self) -> None:
        """Let everything happen that leaves text of a caller behind."""
        bus = self.bus
        headers = {"Lgsp-Purpose": PURPOSE, "tracestate": "x=" + HOSTILE.encode("ascii", "replace").decode()}
        await bus.call("read", system="hostile", headers=headers)
        await bus.call("wait", headers={**headers, "Prefer": "respond-async"})
        self.message = (await bus.call("read", headers=headers)).message
        await self._asked("POST", f"/ops/adapters/{self.instance.id}/drain", {"reason": HOSTILE}, "operator")
        await self._asked("POST", "/registry/grants", _refused_grant(), "developer")
        await self._asked("POST", "/registry/grants/denied/deny", {"reason": HOSTILE}, "operator")
        given = {"name": "hostile-endpoint", "url": f"http://127.0.0.1:{bus.port}/x?{'y' * 200}"}
        self.endpoint = str((await self._asked("POST", "/endpoints", given, "alpha"))["id"])
        delivery = {"kind": "webhook", "endpoint": self.endpoint}
        wish = {"name": HOSTILE[:60], "service": SERVICE, "major": 1, "events": [EVENT], "purpose": PURPOSE}
        made = await self._asked("POST", "/subscriptions", {**wish, "delivery": delivery}, "alpha")
        self.subscription = str(made["id"])
        for path in (f"/endpoints/{self.endpoint}", f"/subscriptions/{self.subscription}"):
            await self._asked("POST", f"{path}/pause", {"reason": HOSTILE}, "operator")
        await self.searched.indexed(self.message)

    async def _asked(self, method: str, path: str, sent: dict[str, Any], system: str) -> dict[str, Any]:
        got = await self.bus.ask(method, path, sent, system=system)
        assert got.status in (200, 201, 202, 204), (path, got.status, got.body)
        return dict(got.json) if got.body else {}


def _contracts() -> list[dict[str, Any]]:
    """All titles are hostile, of services, operations and fields."""
    contracts = [copy.deepcopy(one) for one in (*CONTRACTS, CONTRACT, BIRTHS, REGISTERS)]
    for contract in contracts:
        contract["title"] = _TITLE
        for operation in contract["operations"].values():
            operation["title"] = _TITLE
        for event in contract.get("events", {}).values():
            event["title"] = _TITLE
    cards = contracts[len(CONTRACTS)]["operations"]["check-card"]
    cards["request"]["properties"]["ghiChu"]["x-lgsp-title"] = _TITLE
    cards["request"]["properties"]["ghiChu"]["description"] = HOSTILE
    return contracts


def _documents() -> list[dict[str, Any]]:
    asked = grant("hostile-desk", "hostile", read=["*"])
    asked["spec"]["legalBasis"] = HOSTILE
    return [
        document("Agency", "H49.3", title=_TITLE),
        document("System", "hostile", agency=AGENCY, title=_TITLE),
        asked,
        event_grant("alpha-births", "alpha", FIELDS),
        officers_grant(),
    ]


def _refused_grant() -> dict[str, Any]:
    asked = grant("denied", "gamma", read_person=["/ketQua"])
    asked["spec"]["legalBasis"] = HOSTILE
    return asked


async def _fail(_: dict[str, Any], __: Call) -> dict[str, Any]:
    raise UpstreamFailed("refused", HOSTILE)
