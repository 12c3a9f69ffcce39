"""Steps in the life of what is registered: `lgsp grant …`, `lgsp service …`."""

from typing import Literal

from lgsp_contracts.cli.terminal import out
from lgsp_gateway.cli import times
from lgsp_gateway.cli.bus_client import BusOptions
from lgsp_gateway.cli.overlapping_grants import overlap_notice
from lgsp_gateway.cli.registry_client import Document, RegistryClient, run_on_registry
from lgsp_gateway.cli.registry_output import document_path, pending_approval, phase_of
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.registry.lifecycle.grants import NEEDS_REASON
from lgsp_problems import Refusal, RevisionConflict


def act_on_grant(
    action: Literal["approve", "deny", "suspend", "resume", "revoke", "renew"],
    name: str,
    /,
    *,
    reason: str = "",
    until: str = "",
    revision: int | None = None,
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Take a step in the life of a grant.

    Parameters
    ----------
    action
        approve a request, deny it, suspend a grant in force, resume it, revoke it, renew it: make its successor.
    name
        The grant.
    reason
        Why; needed to deny, suspend and revoke.
    until
        The expected end of a suspension, or the last day of the successor, as a date.
    revision
        Only if the grant is still this revision, which was read: nobody approves what was changed meanwhile.
    """
    if action in NEEDS_REASON and not reason:
        raise reason_needed()
    step = {"reason": reason, "until": until}

    async def work(client: RegistryClient) -> tuple[Document, str]:
        try:
            if action == "renew":
                after = await client.renew(name, step, revision)
            else:
                after = await client.act("grants", name, action, step, revision)
        except RevisionConflict as conflict:
            if revision is None:
                raise
            raise changed_since(name, revision) from conflict
        return after, await overlap_notice(client, after)

    after, notice = run_on_registry(bus, work)
    out(localized(f"{document_path(after)}: {phase_of(after)}\n", f"{document_path(after)} is {phase_of(after)}\n"))
    if action == "renew":
        out(pending_approval(after))
    out(notice)


def reason_needed() -> Refusal:
    """Create the refusal of a step that was taken without a reason, which names the option of the command."""
    return Refusal(
        "malformed",
        vi='Bước này phải nêu lý do: thêm --reason "…".',
        en='This step needs a reason: add --reason "…".',
    )


def changed_since(name: str, revision: int) -> RevisionConflict:
    """Create the refusal of a step on a grant that was changed after the revision that was read."""
    return RevisionConflict(
        vi=f"Quyền {name} đã được sửa sau bản {revision}; hãy đọc lại bằng `lgsp describe grant {name}` rồi dùng số bản mới cho --revision.",
        en=f"Grant {name} was changed after revision {revision}; read it again with `lgsp describe grant {name}` and give its revision to --revision.",
    )


def act_on_service(
    action: Literal["suspend", "resume"],
    name: str,
    /,
    *,
    reason: str = "",
    since: str = "",
    until: str = "",
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Suspend a service, or end its suspension.

    Parameters
    ----------
    action
        suspend or resume.
    name
        The service document, such as population-v1.
    reason
        Why.
    since
        When a planned suspension begins, at least 7 working days ahead; at once where it is not said.
    until
        Its expected end.
    """
    step = {"reason": reason, "since": since, "until": until}
    after: Document = run_on_registry(bus, lambda client: client.act("services", name, action, step))
    planned = after.get("status", {}).get("suspension")
    if planned:
        since = times.in_seconds(planned["since"])
        state = localized(f"tạm dừng từ {since}", f"is suspended from {since}")
    else:
        state = localized("không bị tạm dừng", "is not suspended")
    out(f"{document_path(after)} {state}\n")
