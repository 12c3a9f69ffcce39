"""An office in which persons approve: two operators and the administrator of the provider's agency, signed in."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from lgsp_contracts.time_zone import VIETNAM
from support.people import People
from support.workbench import Got, grant


@dataclass
class Approvers:
    """Each by id and token."""

    people: People
    first: tuple[str, str]
    second: tuple[str, str]
    admin: tuple[str, str]

    @classmethod
    async def start(cls, folder: Path, *options: str) -> "Approvers":
        people = await People.start(folder, *options)
        first = await people.signed_in(
            "first", "operator"
        )  # where there is no other, a system makes the first one alone
        office = cls(people, first, ("", ""), ("", ""))
        office.second = await office.approved("second", "operator", by="operator", approver=first[1])
        office.admin = await office.approved("admin", "agency-admin", by=first[1], approver=office.second[1])
        return office

    async def stop(self) -> None:
        await self.people.stop()

    async def approved(
        self, subject: str, *roles: str, by: str, approver: str, agency: str = "H49.1"
    ) -> tuple[str, str]:
        """Register somebody who approves, have them approved, and sign them in."""
        person = await self.people.create(*roles, by=by, agency=agency)
        got = await self.people.link(person, await self.people.code(subject), by=by)
        assert got.json["status"]["phase"] == "awaiting-operator", got.body
        assert (await self.people.act(person, "approve", by=approver)).status == 200
        return person, await self.people.session(subject)

    async def requested(self, name: str, **operations: list[str]) -> None:
        """A grant that its consumer's agency has asked for, on personal data by default."""
        sent = grant(name, "gamma", **(operations or {"read_person": ["/ketQua"]}))
        got = await self.people.ask("POST", "grants", sent, by="developer")
        assert (got.status, got.json["status"]["phase"]) == (201, "requested"), got.body

    async def get(self, path: str, token: str, **headers: str) -> Got:
        return await self.ask("GET", path, token, **headers)

    async def ask(self, method: str, path: str, token: str, sent: object = None, **headers: str) -> Got:
        authorization = {"Authorization": f"Bearer {token}", "Accept-Language": "en", **headers}
        async with self.people.bus.session.request(method, path, json=sent, headers=authorization) as answer:
            return Got(answer.status, await answer.read(), answer.headers)

    async def waiting(self, token: str) -> dict[str, dict[str, object]]:
        """What waits for somebody, by name."""
        got = await self.get("/me/requests", token)
        assert got.status == 200, got.body
        return {one["document"]["metadata"]["name"]: one for one in got.json["items"]}


def day(days: int) -> str:
    """A day from today, in Vietnam."""
    return (datetime.datetime.now(VIETNAM).date() + datetime.timedelta(days=days)).isoformat()
