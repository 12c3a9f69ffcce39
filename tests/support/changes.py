"""Changes of a bus's registry, each made from the version that is there."""

from typing import Any

from support.workbench import Got, Workbench, document

PLURALS = {"Agency": "agencies", "Person": "persons", "System": "systems", "Service": "services", "Grant": "grants"}


class Changes:
    """Puts and deletes documents, and forgets at the end what a test has made."""

    def __init__(self, bus: Workbench) -> None:
        self.bus = bus
        self._made: list[str] = []

    async def put(self, kind: str, name: str, system: str = "operator", query: str = "", **spec: Any) -> Got:
        path = f"{PLURALS[kind]}/{name}"
        last = await self.bus.registry("GET", path)
        condition = {"If-Match": last.headers["ETag"]} if last.status == 200 else {"If-None-Match": "*"}
        sent = document(kind, name, **spec)
        got = await self.bus.registry("PUT", path + query, sent, system=system, headers=condition)
        if got.status == 201:
            self._made.append(path)
        return got

    async def send(self, sent: dict[str, Any], system: str = "operator") -> Got:
        """Put a whole document."""
        return await self.put(sent["kind"], sent["metadata"]["name"], system, **sent["spec"])

    async def delete(self, path: str, system: str = "operator") -> Got:
        last = await self.bus.registry("GET", path)
        tag = {"If-Match": last.headers["ETag"]} if last.status == 200 else {"If-Match": '"1"'}
        return await self.bus.registry("DELETE", path, system=system, headers=tag)

    async def act(self, grant: str, action: str, system: str, **said: str) -> Got:
        return await self.bus.registry("POST", f"grants/{grant}/{action}", said, system=system)

    async def spec(self, path: str) -> dict[str, Any]:
        """What a document says now."""
        spec: dict[str, Any] = (await self.bus.registry("GET", path)).json["spec"]
        return spec

    async def undo(self) -> None:
        """Remove what was made and is still there."""
        for path in reversed(self._made):
            got = await self.delete(path)
            assert got.status in (204, 404), got.body
