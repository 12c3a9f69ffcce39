"""What waits for a decision: `lgsp requests list | show | approve | deny`.

A request is a grant that was asked for, or a person in a role that approves. Whoever stands in for an absent approver decides here
in that person's place, as the console does.
"""

from typing import Annotated, Any, Literal

from cyclopts import Parameter

from lgsp_contracts.cli.terminal import as_yaml, out
from lgsp_gateway.cli import tables, times
from lgsp_gateway.cli.bus_client import BusOptions
from lgsp_gateway.cli.json_output import print_json
from lgsp_gateway.cli.overlapping_grants import overlap_notice
from lgsp_gateway.cli.person_commands import approve as approve_person
from lgsp_gateway.cli.person_commands import end as end_person
from lgsp_gateway.cli.registry_client import Document, RegistryClient, run_on_registry
from lgsp_gateway.cli.registry_output import document_path, pending_approval, phase_of
from lgsp_gateway.cli.registry_step_commands import changed_since, reason_needed
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.registry.persons import is_person_id
from lgsp_problems import Refusal, RevisionConflict

Name = Annotated[str, Parameter(help="The grant, or the id of the person.")]


def list_requests(
    *,
    output: Annotated[Literal["table", "json"], Parameter(name=["--output", "-o"])] = "table",
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """List what you may decide on now, as yourself or as somebody's deputy.

    Parameters
    ----------
    output
        A table or JSON.
    """
    found: list[dict[str, Any]] = run_on_registry(bus, lambda client: client.pending())
    if output == "json":
        print_json(found)
        return
    titles = [
        localized("TÊN", "NAME"),
        localized("VIỆC", "WHAT"),
        localized("GIAI ĐOẠN", "PHASE"),
        localized("TỪ", "SINCE"),
        localized("BƯỚC", "STEPS"),
        localized("THAY MẶT", "IN PLACE OF"),
    ]
    tables.show(titles, (_row(one) for one in found))
    if not found:
        out(localized("Không có gì chờ bạn quyết định.\n", "Nothing waits for your decision.\n"))


def show(
    name: Name,
    /,
    *,
    output: Annotated[Literal["yaml", "json"], Parameter(name=["--output", "-o"])] = "yaml",
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Show a request before you decide: what is asked for, who approved it, what it would show, and how to decide.

    Parameters
    ----------
    output
        YAML or JSON.
    """

    async def work(client: RegistryClient) -> dict[str, Any]:
        if is_person_id(name):
            return {"document": await client.get("persons", name), "profile": await client.profile(name)}
        return await client.review(name)

    found: dict[str, Any] = run_on_registry(bus, work)
    if output == "json":
        print_json(found)
        return
    out(as_yaml([found]))
    out(_how_to_decide(found))


def approve(
    name: Name,
    /,
    *,
    account: str = "",
    reason: str = "",
    revision: int | None = None,
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Approve a request.

    Parameters
    ----------
    account
        Of a person: the code of their account, as you heard it from themselves.
    reason
        Why; it stands in the history.
    revision
        Of a grant: only if it is still this revision, which `lgsp requests show` showed.
    """
    if not is_person_id(name):
        _decide(bus, name, "approve", reason, revision)
        return
    if not account:
        raise Refusal(
            "malformed",
            vi="Phê duyệt một người cần mã tài khoản do chính họ đọc cho bạn: thêm --account MÃ.",
            en="To approve a person takes the code of their account, as they told you: add --account CODE.",
        )
    approve_person(name, account=account, reason=reason, bus=bus)


def deny(
    name: Name,
    /,
    *,
    reason: str = "",
    revision: int | None = None,
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Deny a request: the grant is denied, or the person is ended permanently.

    Parameters
    ----------
    reason
        Why; whoever asked reads it.
    revision
        Of a grant: only if it is still this revision, which `lgsp requests show` showed.
    """
    if not reason:
        raise reason_needed()
    if is_person_id(name):
        end_person(name, reason=reason, bus=bus)
    else:
        _decide(bus, name, "deny", reason, revision)


def _decide(bus: BusOptions, name: str, step: Literal["approve", "deny"], reason: str, revision: int | None) -> None:
    async def work(client: RegistryClient) -> tuple[Document, str]:
        absent = (await client.review(name)).get("onBehalfOf", "")
        try:
            after = await client.decide(name, step, reason, revision, absent)
        except RevisionConflict as conflict:
            if revision is None:
                raise
            raise changed_since(name, revision) from conflict
        return after, await overlap_notice(client, after)

    after, notice = run_on_registry(bus, work)
    out(localized(f"{document_path(after)}: {phase_of(after)}\n", f"{document_path(after)} is {phase_of(after)}\n"))
    out(pending_approval(after))
    out(notice)


def _row(request: dict[str, Any]) -> list[str]:
    document = request["document"]
    spec, metadata = document["spec"], document["metadata"]
    if document["kind"] == "Grant":
        what = f"{spec['consumer']} → {spec['service']} v{spec['major']}"
    else:
        what = f"{spec['agency']}: {', '.join(spec['roles'])}"
    since = times.in_seconds(metadata["updatedAt"] / 1000)
    return [
        metadata["name"],
        what,
        phase_of(document),
        since,
        ", ".join(request["steps"]),
        request.get("onBehalfOf", ""),
    ]


def _how_to_decide(found: dict[str, Any]) -> str:
    document = found["document"]
    name, revision = document["metadata"]["name"], document["metadata"]["revision"]
    if document["kind"] == "Person":
        option = f"--account {localized('MÃ', 'CODE')}"
        return localized(
            f"# phê duyệt: lgsp requests approve {name} {option}\n",
            f"# to approve: lgsp requests approve {name} {option}\n",
        )
    if "approve" in found["steps"]:
        return localized(
            f"# phê duyệt: lgsp requests approve {name} --revision {revision}\n",
            f"# to approve: lgsp requests approve {name} --revision {revision}\n",
        )
    obstacle = found.get("obstacle", "")
    return f"# {obstacle}\n" if obstacle else ""
