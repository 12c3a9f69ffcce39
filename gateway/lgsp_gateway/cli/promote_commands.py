"""`lgsp promote`: move contracts, agencies, purposes, systems and grants from a test bus to a production bus, after showing the difference."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from lgsp_contracts import names as checked_names
from lgsp_contracts.cli.terminal import err, out
from lgsp_gateway.cli.bus_client import BusOptions, CallerUnknown
from lgsp_gateway.cli.promotion import KINDS, Document, Key, Plan, Step, make_plan
from lgsp_gateway.cli.registry_client import RegistryClient, plural, run_on_registry
from lgsp_gateway.cli.registry_files import read_documents
from lgsp_gateway.cli.registry_output import content_lines, difference, document_path, pending_approval, phase_of
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.local.state_dir import StateDir
from lgsp_gateway.registry.documents import PLURALS
from lgsp_problems import Refusal

_PATHS = [path for path, kind in PLURALS.items() if kind in KINDS]
_YES = ("y", "yes", "c", "có", "co")


def promote(
    names: list[str] | None = None,
    /,
    *,
    source: Annotated[str, Parameter(name="--from")],
    source_token: Annotated[str, Parameter(name="--from-token", env_var="LGSP_FROM_TOKEN")] = "",
    phase: Literal["draft", "submitted", "published"] = "draft",
    reason: str = "",
    dry_run: bool = False,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"])] = False,
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Show what of another bus this one lacks or has otherwise, ask, and write it with your rights here.

    Keys, secrets, roles, approvals, people and states stay where they are: a new system has no key yet, a new contract is a draft, a
    grant waits for whoever approves it here; if you may, writing it is your approval. Nothing is deleted. Run again, it goes on where it
    stopped.

    Parameters
    ----------
    names
        What to move, such as `service/land-v1` or `grant/mot-cua-land`, with what it refers to and this bus lacks; everything by default.
    source
        Where documents come from: the address of a bus, the state folder of a local one, or a file or folder of documents.
    source_token
        The access token for that bus; by default whoever has signed in there with `lgsp login`.
    phase
        The phase in which contracts arrive that this bus does not have. Only operators publish.
    reason
        Why; it stands in the history.
    dry_run
        Show the difference and change nothing.
    yes
        Do not ask.
    """
    selected = {_read_name(name) for name in names or ()}
    documents = _read_source(source, source_token)
    target = run_on_registry(bus, _all_documents)
    plan = make_plan(documents, target, selected, phase)
    _print(plan)
    if dry_run or not plan.steps or not (yes or _confirmed(len(plan.steps), bus.client().url)):
        return

    async def write(client: RegistryClient) -> None:
        for step in plan.steps:
            after = await client.replace(step.before, step.after, reason)
            verb = localized("đã cập nhật", "configured") if step.before else localized("đã tạo", "created")
            out(f"{document_path(after)} {verb}\n{pending_approval(after)}{_missing_key(after)}")

    run_on_registry(bus, write)


def _read_name(text: str) -> Key:
    kind, _, name = text.partition("/")
    path = plural(kind)
    if path not in _PATHS:
        known = ", ".join(KINDS)
        raise Refusal(
            "malformed",
            vi=f"Loại {kind} không chuyển được giữa các trục; các loại: {known}.",
            en=f"Documents of the kind {kind} do not move between buses; the kinds are: {known}.",
        )
    return PLURALS[path], checked_names.document_name(PLURALS[path], name)


class _SourceBus(BusOptions):
    """The bus that documents come from. The token in the environment is for the other one, and is not sent there."""

    def given_token(self) -> str:
        """Return the access token that was given for this bus."""
        return self.access_token


def _read_source(source: str, token: str) -> list[Document]:
    if source.startswith(("http://", "https://")):
        try:
            return run_on_registry(_SourceBus(url=source, access_token=token), _all_documents)
        except CallerUnknown as error:
            raise Refusal(
                "token-invalid",
                vi=f"Chưa biết ai đọc {source}; hãy chạy lgsp login --url {source}, hoặc thêm --from-token MÃ.",
                en=f"Who reads {source} is not known; run lgsp login --url {source}, or add --from-token TOKEN.",
            ) from error
    folder = Path(source)
    if StateDir(folder).running_file.exists():
        return run_on_registry(_SourceBus(state_dir=folder, access_token=token), _all_documents)
    return read_documents([folder])


async def _all_documents(client: RegistryClient) -> list[Document]:
    return [document for path in _PATHS for document in await client.find(path)]


def _print(plan: Plan) -> None:
    for path, why in plan.left_out:
        out(localized(f"để lại     {path} ({why})\n", f"left out  {path} ({why})\n"))
    for step in plan.steps:
        out(_describe(step))
    if any(step.after["kind"] == "Grant" for step in plan.steps):
        out(
            localized(
                "quyền khai thác: nếu bạn có quyền phê duyệt ở đây thì ghi nghĩa là phê duyệt\n",
                "grants: if you may approve them here, writing them is your approval\n",
            )
        )
    new = sum(step.before is None for step in plan.steps)
    changed = len(plan.steps) - new
    out(
        localized(
            f"{new} tài liệu mới, {changed} thay đổi, {plan.unchanged} giữ nguyên\n",
            f"{new} new, {changed} changed, {plan.unchanged} unchanged\n",
        )
    )


def _describe(step: Step) -> str:
    path, is_grant = document_path(step.after), step.after["kind"] == "Grant"
    if step.before is None:
        phase = step.after["spec"].get("phase", "")
        title = localized(f"+ mới      {path} {phase}", f"+ new     {path} {phase}").rstrip() + "\n"
        # Drafts and systems without keys do nothing yet; what does something when it is written is shown whole.
        return title + (content_lines(step.after) if is_grant or phase not in ("", "draft") else "")
    state = f" ({phase_of(step.before)})" if is_grant else ""
    lines = "".join(difference(step.before, step.after))
    return localized(f"~ thay đổi {path}{state}\n", f"~ changed {path}{state}\n") + lines


def _missing_key(document: Document) -> str:
    spec = document["spec"]
    if document["kind"] != "System" or spec.get("jwks") or "secretSha256" in spec:
        return ""
    command = f"lgsp system add-key {document['metadata']['name']} FILE"
    return localized(f"    chưa có khóa: {command}\n", f"    it has no key yet: {command}\n")


def _confirmed(changes: int, url: str) -> bool:
    """Ask whether to go on.

    Raises:
        Refusal: `malformed`, where there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise Refusal(
            "malformed",
            vi="Không có ai để hỏi; hãy thêm --yes để ghi, hoặc --dry-run để chỉ xem.",
            en="There is nobody to ask; add --yes to write, or --dry-run to look only.",
        )
    err(localized(f"Ghi {changes} tài liệu vào {url}? [c/K] ", f"Write {changes} documents to {url}? [y/N] "))
    return input().strip().lower() in _YES
