"""`lgsp drift`: what differs between the registry and the files that it was applied from."""

import re
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from lgsp_contracts.cli.terminal import out
from lgsp_contracts.names import MAX_NAME
from lgsp_gateway.api.registry_declarations import MANIFEST_SET_PATTERN
from lgsp_gateway.cli import tables, times
from lgsp_gateway.cli.bus_client import BusOptions
from lgsp_gateway.cli.json_output import print_json
from lgsp_gateway.cli.registry_client import Document, RegistryClient, plural, run_on_registry
from lgsp_gateway.cli.registry_output import difference
from lgsp_gateway.cli.texts import localized
from lgsp_problems import Refusal

MAX_NAMED = 10
"""Documents that a notice names."""


def drift(
    *,
    manifest_set: Annotated[str, Parameter(name="--set")] = "",
    unmanaged: Annotated[bool, Parameter(negative="")] = False,
    diff: Annotated[bool, Parameter(negative="")] = False,
    output: Annotated[Literal["table", "json"], Parameter(name=["--output", "-o"])] = "table",
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """List the documents that were changed or deleted since `lgsp apply --set` wrote them: by whom, when and why.

    Parameters
    ----------
    manifest_set
        Only documents of this set of files.
    unmanaged
        List instead the documents that came from no set of files.
    diff
        Show the lines that differ from what was applied.
    output
        A table or JSON.
    """
    filters = {"manifestSet": manifest_set, "state": "unmanaged" if unmanaged else ""}

    async def work(client: RegistryClient) -> list[tuple[dict[str, Any], list[str]]]:
        found = await client.drift(**filters)
        return [(one, await _difference(client, one) if diff else []) for one in found]

    found: list[tuple[dict[str, Any], list[str]]] = run_on_registry(bus, work)
    if output == "json":
        print_json([one for one, _ in found])
        return
    titles = [
        localized("TÀI LIỆU", "DOCUMENT"),
        localized("KHÁC BIỆT", "DRIFT"),
        localized("BỘ TỆP", "SET"),
        localized("AI", "BY"),
        localized("LÚC", "TIME"),
        localized("LÝ DO", "REASON"),
    ]
    tables.show(titles, (_row(one) for one, _ in found))
    for one, lines in found:
        if lines:
            out(f"{_path(one)}\n{''.join(lines)}")
    if not found:
        out(localized("Không có khác biệt.\n", "Nothing differs.\n"))


async def left_in_registry(client: RegistryClient, manifest_set: str, applied: list[Document]) -> str:
    """Return a notice of the documents of a set that its files hold no more; empty where there are none."""
    kept = {(one["kind"], one["metadata"]["name"]) for one in applied}
    known = [
        one for state in ("in-step", "changed") for one in await client.drift(manifestSet=manifest_set, state=state)
    ]
    left = [_path(one) for one in known if (one["kind"], one["name"]) not in kept]
    if not left:
        return ""
    named = ", ".join(left[:MAX_NAMED]) + ("…" if len(left) > MAX_NAMED else "")
    command = f"lgsp delete KIND NAME --set {manifest_set}"
    return localized(
        f"{len(left)} tài liệu của bộ {manifest_set} không còn trong các tệp này: {named}; nếu không dùng nữa thì xóa bằng {command}\n",
        f"{len(left)} documents of set {manifest_set} are not in these files: {named}; delete what is not needed with {command}\n",
    )


def manifest_set_name(text: str) -> str:
    """Check the name of a set of files.

    Raises:
        Refusal: `malformed`.
    """
    if len(text) > MAX_NAME or not re.fullmatch(MANIFEST_SET_PATTERN.removesuffix("$"), text):
        raise Refusal(
            "malformed",
            vi="Tên bộ tệp (--set) gồm chữ không dấu, chữ số, ., _, / và -, tối đa 63 ký tự; hãy sửa lại.",
            en="The name of a set of files (--set) has up to 63 letters, digits, ., _, / and -; correct it.",
        )
    return text


async def _difference(client: RegistryClient, one: dict[str, Any]) -> list[str]:
    """Return the lines by which a changed document differs from what was applied."""
    if one["state"] != "changed":
        return []
    versions = await client.history(plural(one["kind"]), one["name"])
    applied = [version for version in versions if version["metadata"]["revision"] == one["appliedRevision"]]
    return difference(applied[0], versions[0]) if applied else []


def _row(one: dict[str, Any]) -> list[str]:
    states = {
        "changed": localized("bị sửa", "changed"),
        "deleted": localized("bị xóa", "deleted"),
        "unmanaged": localized("ngoài mọi bộ tệp", "in no file"),
    }
    time = times.in_seconds(one["updatedAt"] / 1000)
    return [_path(one), states[one["state"]], one.get("set", ""), one["updatedBy"], time, one["reason"]]


def _path(one: dict[str, Any]) -> str:
    return f"{one['kind'].lower()}/{one['name']}"
