"""Commands that read and write documents of the registry: `lgsp apply`, `get`, `describe`, `history`, `export`, `delete`."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from lgsp_contracts.cli.terminal import as_yaml, err, out
from lgsp_gateway.cli import times
from lgsp_gateway.cli.bus_client import BusOptions
from lgsp_gateway.cli.drift_commands import left_in_registry, manifest_set_name
from lgsp_gateway.cli.overlapping_grants import overlap_notice
from lgsp_gateway.cli.registry_client import Document, RegistryClient, plural, run_on_registry
from lgsp_gateway.cli.registry_files import read_documents
from lgsp_gateway.cli.registry_output import (
    difference,
    document_path,
    outcome_line,
    pending_approval,
    phase_of,
    print_documents,
    token_notice,
)
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.registry.documents import KINDS, PLURALS
from lgsp_problems import on_one_line

Kind = Annotated[str, Parameter(help="agencies, purposes, persons, systems, services or grants.")]
Name = Annotated[str, Parameter(help="The name of the document.")]
ManifestSet = Annotated[str, Parameter(name="--set")]
Output = Annotated[Literal["table", "json", "yaml"], Parameter(name=["--output", "-o"])]


def apply(
    *,
    file: Annotated[list[Path], Parameter(name=["--file", "-f"])],
    reason: str = "",
    dry_run: bool = False,
    diff: bool = False,
    end_tokens: bool = False,
    manifest_set: ManifestSet = "",
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Create what is not there, replace what differs, leave what is the same. Applying again goes on where it stopped.

    Parameters
    ----------
    file
        Files or folders of documents; a contract of a catalogue is applied as the service it describes.
    reason
        Why; it stands in the history.
    dry_run
        Show what would change and change nothing.
    diff
        Show all lines that differ, of however many there are; without it, a long difference is summed up.
    end_tokens
        Of systems that change: end at once the tokens that they were given until now.
    manifest_set
        The name of the set that these files are, such as that of their repository. The registry records it, and `lgsp drift`
        shows what somebody changed elsewhere.
    """
    if manifest_set:
        manifest_set_name(manifest_set)
    changes = sorted(read_documents(file), key=_kind_order)

    async def work(client: RegistryClient) -> None:
        for document in changes:
            outcome = await client.apply(
                document, reason, dry_run=dry_run, end_tokens=end_tokens, manifest_set=manifest_set
            )
            out(outcome_line(outcome, dry_run=dry_run))
            out(pending_approval(outcome.after))
            out(await overlap_notice(client, outcome.after))
            if outcome.verb == "configured":
                out("".join(difference(outcome.before or {}, outcome.after, whole=diff)))
                out(token_notice(outcome.before or {}, outcome.after))
        if manifest_set:
            out(await left_in_registry(client, manifest_set, changes))

    run_on_registry(bus, work)


def get(
    kind: Kind,
    name: str = "",
    /,
    *,
    output: Output = "table",
    agency: str = "",
    consumer: str = "",
    service: str = "",
    expiring: int | None = None,
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Show documents: all of a kind, or one.

    Parameters
    ----------
    name
        One document.
    output
        A table, JSON or YAML.
    agency
        Only systems or persons of this agency, by its code.
    consumer
        Only grants of this consumer.
    service
        Only versions of this service, or grants on it.
    expiring
        Only grants in force that end within this number of days.
    """
    path = plural(kind)
    if name:
        print_documents([run_on_registry(bus, lambda client: client.get(path, name))], output, single=True)
        return
    within = "" if expiring is None else str(expiring)
    filters = {"agency": agency, "consumer": consumer, "service": service, "expiringWithin": within}
    print_documents(run_on_registry(bus, lambda client: client.find(path, **filters)), output, single=False)


def describe(kind: Kind, name: Name, /, *, bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Show one document completely, as YAML."""
    path = plural(kind)
    print_documents([run_on_registry(bus, lambda client: client.get(path, name))], "yaml", single=True)


def history(kind: Kind, name: Name, /, *, output: Output = "table", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Show the versions of a document, newest first: who changed what, when and why.

    Parameters
    ----------
    output
        A table, JSON or YAML.
    """
    path = plural(kind)
    versions: list[Document] = run_on_registry(bus, lambda client: client.history(path, name))
    if output != "table":
        print_documents(versions, output, single=False)
        return
    for version, before in zip(versions, [*versions[1:], None], strict=True):
        known = version["metadata"]
        what = _step(version, before)
        reason = f" ({on_one_line(known['reason'])})" if known.get("reason") else ""
        out(
            f"{times.in_seconds(known['updatedAt'] / 1000)}  {localized('phiên bản', 'revision')} {known['revision']}  "
            f"{what} {localized('bởi', 'by')} {known['updatedBy']}{reason}\n"
        )
        if version["spec"] is not None and before is not None:
            out("".join(difference(before, version)))


def export(*, bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Write the registry as YAML that `lgsp apply -f` takes, also on an empty bus.

    What is applied is in force, so grants that are not (requested, suspended, denied, revoked) are left out and named on
    stderr.
    """

    async def work(client: RegistryClient) -> list[Document]:
        return [document for kind in PLURALS for document in await client.find(kind)]

    written: list[Document] = run_on_registry(bus, work)
    left_out = [document for document in written if document["kind"] == "Grant" and phase_of(document) != "in-force"]
    for document in left_out:
        left = localized("để lại", "left out")
        err(f"{left}: {document_path(document)} ({phase_of(document)})\n")
    out(as_yaml([_without_status(document) for document in written if document not in left_out]))


def delete(
    kind: Kind,
    name: Name,
    /,
    *,
    reason: str = "",
    manifest_set: ManifestSet = "",
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Delete a document that no other refers to. Its history stays.

    Parameters
    ----------
    reason
        The reason, for the history.
    manifest_set
        The set of files that holds the document no more: then the deletion is no drift.
    """
    if manifest_set:
        manifest_set_name(manifest_set)
    path = plural(kind)
    run_on_registry(bus, lambda client: client.delete(path, name, reason, manifest_set))
    out(localized(f"{path}/{name} đã xóa\n", f"{path}/{name} deleted\n"))


def _step(version: Document, before: Document | None) -> str:
    """Return what a version did to the one before it."""
    if version["spec"] is None:
        return localized("xóa", "deleted")
    return localized("tạo", "created") if before is None else localized("thay đổi", "changed")


def _without_status(document: Document) -> Document:
    """Return a document as an author writes it, without the status that the registry adds."""
    kept = {key: value for key, value in document.items() if key != "status"}
    return kept | {"metadata": {"name": document["metadata"]["name"]}}


def _kind_order(document: Document) -> int:
    return KINDS.index(document["kind"])
