"""`lgsp adapter accept`: accept an inbox file that is held back because it shrinks the register."""

import asyncio
import hashlib
import time

import orjson

from lgsp_adapters import manifest
from lgsp_adapters.inboxes import shrink_guard
from lgsp_adapters.inboxes.inbox import open_inbox
from lgsp_adapters.inboxes.inbox_file import (
    ACCEPTANCE_SUFFIX,
    REPORT_SUFFIX,
    FileNotReadyError,
    Inbox,
    InboxFile,
    InboxUnavailableError,
)
from lgsp_adapters.tabular.limits import UnreadableFileError
from lgsp_adapters.text.comparison import printable_name
from lgsp_contracts.cli.terminal import out
from lgsp_problems import CannotStart, NotFound, RevisionConflict

MAX_REPORTS_READ = 50
"""Files, the newest ones, whose reports are read."""

_CHUNK = 1024 * 1024


def accept(name: str, file: str = "", /) -> None:
    """List the inbox files that are held back, or accept one of them.

    A file is held back when the register would lose more rows than its manifest allows. Check the file before you accept it: look-ups of
    whoever is not in it will answer "not found".

    Parameters
    ----------
    name
        The manifest: a path, or the name of one that comes with lgsp.
    file
        The file to accept, by its name in the inbox; without it, held files are listed and nothing is changed.
    """
    loaded_manifest = manifest.load(manifest.find_manifest(name))
    if loaded_manifest.kind != "files":
        raise (loaded_manifest.location / "kind").refusal(
            "chỉ bộ kết nối files giữ lại tệp; hãy nêu bản khai có kind: files",
            "only the connector files holds files back; name a manifest with kind: files",
        )
    try:
        asyncio.run(_accept(open_inbox(loaded_manifest), str(loaded_manifest.document["files"]["pattern"]), file))
    except InboxUnavailableError as unavailable:
        raise CannotStart(
            vi=f"Không truy cập được hộp nhận tệp ({unavailable}); hãy kiểm tra connection của bản khai.",
            en=f"The inbox is unavailable ({unavailable}); check connection in the manifest.",
        ) from unavailable


async def _accept(folder: Inbox, pattern: str, name: str) -> None:
    try:
        files = sorted(
            (await folder.listing(pattern)).files, key=lambda inbox_file: (inbox_file.modified, inbox_file.name)
        )
        held = {
            inbox_file: report
            for inbox_file in files[-MAX_REPORTS_READ:]
            if (report := await _held(folder, inbox_file))
        }
        if not name:
            for inbox_file, report in held.items():
                out(f"{printable_name(inbox_file.name)}: {_reason(report)}\n")
            out("To accept a file, give its name.\n" if held else "No file is held back.\n")
            return
        file_to_accept = next(
            (held_file for held_file in held if name in (held_file.name, printable_name(held_file.name))), None
        )
        if file_to_accept is None:
            names = ", ".join(printable_name(held_file.name) for held_file in held) or "-"
            raise NotFound(
                vi=f"Tệp {printable_name(name)} không bị giữ lại; các tệp đang bị giữ: {names}.",
                en=f"The file {printable_name(name)} is not held back; these are: {names}.",
            )
        content = await _digest(folder, file_to_accept)
        if content != held[file_to_accept].get("content"):
            raise FileNotReadyError
        out(f"{printable_name(file_to_accept.name)}: {_reason(held[file_to_accept])}\n")
        acceptance = {"content": content, "stamp": file_to_accept.stamp, "at": round(time.time(), 3)}
        await folder.write_sidecar(
            file_to_accept, ACCEPTANCE_SUFFIX, orjson.dumps(acceptance, option=orjson.OPT_INDENT_2)
        )
        out(
            f"Accepted: once it polls the inbox again, the adapter answers from these {held[file_to_accept].get('rows')} rows only.\n"
        )
    except (FileNotReadyError, UnreadableFileError) as error:
        raise RevisionConflict(
            vi="Tệp đã thay đổi từ khi bị giữ lại; hãy chờ báo cáo mới rồi xem lại.",
            en="The file has changed since it was held back; wait for its new report and check it again.",
        ) from error
    finally:
        await folder.close()


async def _held(folder: Inbox, inbox_file: InboxFile) -> dict[str, object]:
    """Return the report on a file that is held in its present state, or an empty one."""
    report = shrink_guard.parse_sidecar(await folder.read_sidecar(inbox_file, REPORT_SUFFIX))
    accepted = await shrink_guard.is_accepted(folder, inbox_file, str(report.get("content", "")))
    return report if report.get("held") is True and report.get("stamp") == inbox_file.stamp and not accepted else {}


def _reason(report: dict[str, object]) -> str:
    """Return why a file is held; others can write where reports lie, so it is made printable and cut."""
    return printable_name(str(report.get("why", "")))[:200]


async def _digest(folder: Inbox, inbox_file: InboxFile) -> str:
    digest = hashlib.sha256()
    async with folder.opened(inbox_file) as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
