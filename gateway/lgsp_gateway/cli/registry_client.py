"""The registry over HTTP, as the commands need it: documents found, compared and sent."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import orjson

from lgsp_contracts import names
from lgsp_contracts.cli.terminal import language
from lgsp_gateway.cli.bus_client import BusOptions, run_against_bus
from lgsp_gateway.cli.problem_documents import refusal_from_response
from lgsp_gateway.registry.applied import digest_of
from lgsp_gateway.registry.documents import PLURALS
from lgsp_problems import NotFound

PAGE = 1000
_PLURAL_OF = {kind: plural for plural, kind in PLURALS.items()}
_SHORT = {kind.lower(): plural for plural, kind in PLURALS.items()}

Document = dict[str, Any]
T = TypeVar("T")


def plural(word: str) -> str:
    """Return the path segment of a kind from any of its names: `grants`, `grant`, `Grant`.

    Raises:
        Refusal: `not-path`, naming the kinds.
    """
    path = _SHORT.get(word.lower(), word.lower())
    if path not in PLURALS:
        known = ", ".join(PLURALS)
        raise NotFound(
            vi=f"Không có loại tài liệu {word}; các loại: {known}.",
            en=f"There is no kind of document {word}; the kinds are: {known}.",
        )
    return path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a document that was applied, and what it was before.

    Args:
        verb: `created`, `configured`, `recorded` (as it is, now known to come from the files) or `unchanged`.
    """

    verb: str
    before: Document | None
    after: Document


class RegistryClient:
    """A client of `/registry`."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": language()}
        self._session = aiohttp.ClientSession(f"{url}/", headers=headers)

    async def __aenter__(self) -> "RegistryClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def find(self, kind: str, **filters: str) -> list[Document]:
        """Fetch all documents of a kind, page by page.

        Args:
            kind: as paths name it, such as `grants`.
            filters: query parameters; empty ones are left out.
        """
        documents: list[Document] = []
        query = {"limit": str(PAGE), **{name: value for name, value in filters.items() if value}}
        while True:
            page = await self._ask("GET", f"registry/{kind}", params=query)
            documents += page["items"]
            if "next" not in page:
                return documents
            query["cursor"] = page["next"]

    async def get(self, kind: str, name: str) -> Document:
        """Fetch one document."""
        document: Document = await self._ask("GET", _path(kind, name))
        return document

    async def profile(self, person: str) -> dict[str, str]:
        """Fetch the name of a person and the code of their account; empty if no account is linked."""
        profile: dict[str, str] = await self._ask("GET", f"{_path('persons', person)}/profile")
        return profile

    async def history(self, kind: str, name: str) -> list[Document]:
        """Fetch every version of a document, newest first."""
        versions: list[Document] = (await self._ask("GET", f"{_path(kind, name)}/history"))["items"]
        return versions

    async def apply(
        self,
        document: Document,
        reason: str,
        *,
        dry_run: bool,
        end_tokens: bool = False,
        manifest_set: str = "",
    ) -> Outcome:
        """Create or replace a document, unless the registry has it with the same content.

        Args:
            dry_run: have the registry check the change and write nothing.
            end_tokens: end the tokens of a system that is replaced.
            manifest_set: of the files that it comes from, which the registry records; empty for none.
        """
        kind, name = _PLURAL_OF.get(str(document.get("kind")), ""), str((document.get("metadata") or {}).get("name"))
        before = await self._known(plural(kind or str(document.get("kind"))), name)
        is_same = before is not None and before["spec"] == document.get("spec")
        if before is not None and is_same and _is_recorded(before, manifest_set):
            return Outcome("unchanged", before, before)
        sent = {key: value for key, value in document.items() if key != "status"} | {"metadata": {"name": name}}
        ending = end_tokens and kind == "systems" and before is not None and not is_same
        after = await self._put(
            kind, name, sent, before, reason, dry_run=dry_run, end_tokens=ending, manifest_set=manifest_set
        )
        return Outcome("recorded" if is_same else "configured" if before else "created", before, after)

    async def change(
        self, kind: str, name: str, alter: Callable[[dict[str, Any]], dict[str, Any]], reason: str, *, dry_run: bool
    ) -> Outcome:
        """Replace the spec of a document by what a function makes of it, unless somebody else changed it meanwhile.

        Args:
            kind: as paths name it.
            alter: returns the new spec; it leaves its argument as it is.
            dry_run: have the registry check the change and write nothing.
        """
        before = await self.get(kind, name)
        spec = alter(before["spec"])
        if spec == before["spec"]:
            return Outcome("unchanged", before, before)
        sent = {**{key: before[key] for key in ("apiVersion", "kind")}, "metadata": {"name": name}, "spec": spec}
        return Outcome("configured", before, await self._put(kind, name, sent, before, reason, dry_run=dry_run))

    async def act(
        self, kind: str, name: str, action: str, body: dict[str, str], revision: int | None = None
    ) -> Document:
        """Take a step in the life cycle of a document.

        Args:
            body: what the step is taken with, such as its reason.
            revision: the version that it is meant for; the registry refuses it where there is a newer one.
        """
        path = f"{_path(kind, name)}/{action}"
        document: Document = await self._ask("POST", path, json=body, headers=_condition(revision))
        return document

    async def pending(self) -> list[dict[str, Any]]:
        """Fetch what the caller may decide on now."""
        found: list[dict[str, Any]] = []
        query: dict[str, str] = {}
        while True:
            page = await self._ask("GET", "me/requests", params=query)
            found += page["items"]
            if "next" not in page:
                return found
            query = {"cursor": page["next"]}

    async def review(self, grant: str) -> dict[str, Any]:
        """Fetch a grant with what it shows, who approved it, and what the caller may do with it."""
        review: dict[str, Any] = await self._ask("GET", f"{_path('grants', grant)}/review")
        return review

    async def decide(self, grant: str, step: str, reason: str, revision: int | None, absent: str) -> Document:
        """Approve or deny a grant.

        Args:
            absent: the id of the approver in whose place the caller decides; empty where they decide as themselves.
            revision: as `act` takes it.
        """
        if not absent:
            return await self.act("grants", grant, step, {"reason": reason}, revision)
        document: Document = await self._ask(
            "POST",
            f"me/deputy/{names.document_name('Person', absent)}/grants/{names.document_name('Grant', grant)}/{step}",
            json={"reason": reason},
            headers=_condition(revision),
        )
        return document

    async def renew(self, grant: str, body: dict[str, str], revision: int | None = None) -> Document:
        """Make or request the successor of a grant.

        Args:
            body: its last day and the reason.
            revision: as `act` takes it.
        """
        document: Document = await self._ask(
            "POST", f"{_path('grants', grant)}/renew", json=body, headers=_condition(revision)
        )
        return document

    async def drift(self, **filters: str) -> list[dict[str, Any]]:
        """Fetch how documents stand to the files that they were applied from.

        Args:
            filters: query parameters; empty ones are left out.
        """
        return await self.find("drift", **filters)

    async def delete(self, kind: str, name: str, reason: str, manifest_set: str = "") -> None:
        """Delete a document, at the revision that it has now.

        Args:
            manifest_set: of the files, where they hold the document no more; empty where that is not why.
        """
        revision = (await self.get(kind, name))["metadata"]["revision"]
        query = {"reason": reason} | ({"manifestSet": manifest_set} if manifest_set else {})
        await self._ask("DELETE", _path(kind, name), headers={"If-Match": f'"{revision}"'}, params=query)

    async def replace(self, before: Document | None, document: Document, reason: str) -> Document:
        """Write a document, only if the registry still has it as it was read; with None, only if it has none."""
        kind, name = _PLURAL_OF[document["kind"]], document["metadata"]["name"]
        return await self._put(kind, name, document, before, reason, dry_run=False)

    async def _put(
        self,
        kind: str,
        name: str,
        document: Document,
        before: Document | None,
        reason: str,
        *,
        dry_run: bool,
        end_tokens: bool = False,
        manifest_set: str = "",
    ) -> Document:
        """Write a document, only if the registry still has it as it was read."""
        condition = {"If-Match": f'"{before["metadata"]["revision"]}"'} if before else {"If-None-Match": "*"}
        query = {"reason": reason, "manifestSet": manifest_set}
        query |= ({"dryRun": "true"} if dry_run else {}) | ({"endTokens": "true"} if end_tokens else {})
        query = {name: value for name, value in query.items() if value}
        after: Document = await self._ask("PUT", _path(kind, name), json=document, headers=condition, params=query)
        return after

    async def _known(self, kind: str, name: str) -> Document | None:
        try:
            return await self.get(kind, name)
        except NotFound:
            return None

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        async with self._session.request(method, path, **more) as answer:
            if answer.status == 204:
                return {}
            content = await answer.read()
        if answer.status >= 300:
            raise refusal_from_response(answer.status, content)
        return orjson.loads(content)


def _path(kind: str, name: str) -> str:
    """Where a document is.

    Args:
        kind: as paths name it.

    Raises:
        Refusal: `malformed`, where the name is none.
    """
    return f"registry/{kind}/{names.document_name(PLURALS[kind], name)}"


def _is_recorded(document: Document, manifest_set: str) -> bool:
    """Tell whether the registry knows that a document says what the files of a set say."""
    mark = document["metadata"].get("applied", {})
    return not manifest_set or (mark.get("set") == manifest_set and mark["sha256"] == digest_of(document["spec"]))


def _condition(revision: int | None) -> dict[str, str]:
    return {} if revision is None else {"If-Match": f'"{revision}"'}


def run_on_registry(bus: BusOptions, work: Callable[[RegistryClient], Coroutine[Any, Any, T]]) -> T:
    """Run work with a client of the registry of a bus.

    Raises:
        Refusal: what the registry refused with; `bus-not-found`.
    """
    url, token = bus.resolved()

    async def connected() -> T:
        async with RegistryClient(url, token) as client:
            return await work(client)

    return run_against_bus(url, connected())
