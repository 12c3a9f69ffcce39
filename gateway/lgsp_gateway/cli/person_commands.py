"""What operators do with people: `lgsp person create | link | approve | suspend | resume | end | show`."""

from collections.abc import Coroutine
from typing import Annotated, Any

from cyclopts import Parameter

from lgsp_contracts import names
from lgsp_contracts.cli.terminal import as_yaml, out
from lgsp_gateway.cli.bus_client import BusOptions
from lgsp_gateway.cli.registry_client import Document, RegistryClient, run_on_registry
from lgsp_gateway.cli.registry_step_commands import reason_needed
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.registry.documents import API_VERSION
from lgsp_gateway.registry.lifecycle.persons import NEEDS_REASON
from lgsp_gateway.registry.persons import new_person_id
from lgsp_gateway.sessions.accounts import read_code
from lgsp_problems import Refusal


def create(
    *,
    issuer: str,
    agency: str,
    role: Annotated[list[str], Parameter(negative="")],
    account: str = "",
    name: str = "",
    reason: str = "",
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Register a person, and print their id.

    Parameters
    ----------
    issuer
        The issuer that the person signs in with.
    agency
        The agency that they act for.
    role
        operator, agency-admin, integrator, developer or auditor; may be given several times.
    account
        The code of their account, which `lgsp login` shows them; it can be linked later.
    name
        What they are called. It is kept where it can be forgotten, and not in the registry.
    reason
        Why; it stands in the history.
    """
    if account:
        read_code(account)  # before anybody is registered whom it would not be linked to
    person = new_person_id()
    spec = {"issuer": issuer, "agency": names.agency_code(agency), "roles": role}
    document = {"apiVersion": API_VERSION, "kind": "Person", "metadata": {"name": person}, "spec": spec}

    async def work(client: RegistryClient) -> Document:
        made = (await client.apply(document, reason, dry_run=False)).after
        if not account:
            return made
        try:
            return await client.act("persons", person, "link", {"account": account, "name": name, "reason": reason})
        except Refusal:  # else a second try would register them twice
            await client.delete("persons", person, reason)
            raise

    _show(run_on_registry(bus, work))


def link(
    person: str,
    /,
    *,
    account: str,
    name: str = "",
    reason: str = "",
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Link an account of the issuer to a person, in the place of the one that was.

    Parameters
    ----------
    person
        The person's id.
    account
        The code of the account, which `lgsp login` shows its holder.
    name
        What the person is called.
    reason
        Why; it stands in the history.
    """
    _act(bus, person, "link", {"account": account, "name": name, "reason": reason})


def approve(person: str, /, *, account: str, reason: str = "", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Approve a person in a role that approves: you have heard the code of their account from themselves.

    Parameters
    ----------
    person
        The person's id.
    account
        The code of their account, as you heard it; where another account is linked, nothing is approved.
    reason
        Why; it stands in the history.
    """

    async def work(client: RegistryClient) -> Document:
        # The document first: where anything is changed after it was read, its revision is another.
        revision = (await client.get("persons", person))["metadata"]["revision"]
        linked = (await client.profile(person)).get("account", "")
        if not linked or read_code(linked) != read_code(account):
            raise Refusal(
                "step-not-allowed",
                vi=f"Tài khoản đang liên kết với {person} không phải tài khoản có mã này; đừng phê duyệt, hãy hỏi lại người đó và người đã chuẩn bị.",
                en=f"The account that is linked to {person} is not the one of this code; do not approve it, and ask them and whoever prepared it.",
            )
        return await client.act("persons", person, "approve", {"reason": reason}, revision)

    _show(run_on_registry(bus, work))


def suspend(person: str, /, *, reason: str, bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Suspend a person: their sessions end at once, and they cannot sign in.

    Parameters
    ----------
    person
        The person's id.
    reason
        Why; it stands in the history.
    """
    _act(bus, person, "suspend", {"reason": reason})


def resume(person: str, /, *, reason: str = "", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Let a suspended person sign in again.

    Parameters
    ----------
    person
        The person's id.
    reason
        Why; it stands in the history.
    """
    _act(bus, person, "resume", {"reason": reason})


def end(person: str, /, *, reason: str, bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """End a person for good: what they were called and their account are forgotten; their id stays in what they did.

    Parameters
    ----------
    person
        The person's id.
    reason
        Why; it stands in the history.
    """
    _act(bus, person, "end", {"reason": reason})


def show(person: str, /, *, bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Show a person, with what they are called and the code of their account.

    Parameters
    ----------
    person
        The person's id.
    """

    async def work(client: RegistryClient) -> dict[str, Any]:
        document, profile = await client.get("persons", person), await client.profile(person)
        return document | ({"profile": profile} if profile else {})

    out(as_yaml([run_on_registry(bus, work)]))


def _act(bus: BusOptions, person: str, action: str, body: dict[str, str]) -> None:
    if action in NEEDS_REASON and not body["reason"]:
        raise reason_needed()

    def work(client: RegistryClient) -> Coroutine[Any, Any, Document]:
        return client.act("persons", person, action, body)

    _show(run_on_registry(bus, work))


def _show(document: Document) -> None:
    name, phase = document["metadata"]["name"], document.get("status", {}).get("phase", "created")
    out(localized(f"person/{name}: {phase}\n", f"person/{name} is {phase}\n"))
    if phase == "awaiting-operator":
        command = f"lgsp person approve {name} --account CODE"
        out(
            localized(
                f"    một người vận hành khác cần phê duyệt: {command}\n",
                f"    another operator, who is another person, is to approve it: {command}\n",
            )
        )
    if phase == "created":
        command = f"lgsp person link {name} --account CODE"
        out(localized(f"    chưa liên kết tài khoản: {command}\n", f"    no account is linked yet: {command}\n"))
