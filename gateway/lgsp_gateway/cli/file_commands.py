"""Files of a system: `lgsp files upload | download | list | delete`."""

import datetime
import hashlib
import mimetypes
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import aiohttp
import orjson
from cyclopts import Parameter

from lgsp_contracts.cli.terminal import err, language, out
from lgsp_contracts.file_references import PREFIX
from lgsp_contracts.formats import FILE_REFERENCE, FORMAT_CHECKS
from lgsp_gateway.cli import tables, times
from lgsp_gateway.cli.bus_client import BusOptions, run_against_bus
from lgsp_gateway.cli.file_transfer import FileTransfer
from lgsp_gateway.cli.json_output import TableOrJson, print_json
from lgsp_gateway.cli.texts import localized
from lgsp_problems import NotFound, Refusal

T = TypeVar("T")
PROGRESS_SECONDS = 3.0


def upload(
    file: Path,
    /,
    *,
    media_type: Annotated[str, Parameter(name="--type")] = "",
    resume: str = "",
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Upload a file, and print the reference that documents name it by. It goes on by itself where the connection breaks.

    Parameters
    ----------
    file
        The file.
    media_type
        Its media type; by default that of its name.
    resume
        The reference of an upload of the same file that was interrupted.
    """
    if not file.is_file():
        raise NotFound(
            vi=f"Không có tệp {file}; hãy kiểm tra đường dẫn.",
            en=f"There is no file {file}; check the path.",
        )
    kind = media_type or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    with file.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    begun = _reference(resume) if resume else ""
    reference = _transfer(bus, lambda transfer: transfer.upload(file, kind, sha256, begun))
    described = orjson.loads(bus.client().get(f"{reference}/metadata"))
    out(f"{reference}\n")
    err(f"{described['name']}, {described['size']} B, sha256 {sha256}, {described['state']}\n")


def download(
    file: str,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Download a file, and compare its SHA-256 with that of the bus.

    Parameters
    ----------
    file
        Its reference, or its id.
    output
        Where it is written.
    """
    reference = _reference(file)
    sha256 = _transfer(bus, lambda transfer: transfer.download(reference, output))
    err(f"{output}, sha256 {sha256}\n")


def list_files(*, output: TableOrJson = "table", limit: int = 50, bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """List the files of the asking system, the newest first; for operators, of all systems.

    Parameters
    ----------
    output
        A table, or JSON.
    limit
        How many, at most 200.
    """
    items = orjson.loads(bus.client().get("/files", {"limit": str(limit)}))["items"]
    if output == "json":
        print_json(items)
        return
    rows = [
        (
            one["href"],
            one["owner"],
            one["state"] + (f" ({one['reason']})" if "reason" in one else ""),
            f"{one['offset']}/{one['size']}",
            one["mediaType"],
            times.in_seconds(datetime.datetime.fromisoformat(one["expiresAt"]).timestamp()),
            one["name"],
        )
        for one in items
    ]
    titles = [
        localized("TỆP", "FILE"),
        localized("CỦA", "OWNER"),
        localized("TRẠNG THÁI", "STATE"),
        localized("BYTE", "BYTES"),
        localized("KIỂU", "TYPE"),
        localized("ĐẾN", "UNTIL"),
        localized("TÊN", "NAME"),
    ]
    tables.show(titles, rows)
    if not items:
        err(f"{localized('Chưa có tệp nào.', 'There are no files.')}\n")


def delete(file: str, /, *, bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Delete an upload, or a file that no message refers to.

    Parameters
    ----------
    file
        Its reference, or its id.
    """
    reference = _reference(file)
    bus.client().delete(reference)
    err(f"{localized('Đã xóa', 'Deleted')} {reference}\n")


def _reference(text: str) -> str:
    file = text.removeprefix(PREFIX)
    if not FORMAT_CHECKS[FILE_REFERENCE](PREFIX + file):
        raise Refusal(
            "malformed",
            vi="Tệp được chỉ bằng tham chiếu /files/{mã} hoặc mã (UUID) của nó; hãy chép lại nguyên vẹn.",
            en="A file is named by its reference, /files/{id}, or its id (a UUID); copy it in full.",
        )
    return PREFIX + file


def _transfer(bus: BusOptions, work: Callable[[FileTransfer], Coroutine[Any, Any, T]]) -> T:
    url, token = bus.resolved()

    async def run() -> T:
        headers = {"Accept-Language": language(), "Authorization": f"Bearer {token}"}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)
        async with aiohttp.ClientSession(url, headers=headers, timeout=timeout, auto_decompress=False) as session:
            return await work(FileTransfer(session, _Progress()))

    return run_against_bus(url, run())


class _Progress:
    """Shows how far a transfer is, every few seconds, where somebody looks at it."""

    def __init__(self) -> None:
        self._shown_at = time.monotonic()

    def __call__(self, moved: int, size: int) -> None:
        if sys.stderr.isatty() and time.monotonic() - self._shown_at > PROGRESS_SECONDS:
            self._shown_at = time.monotonic()
            err(f"{moved >> 20} / {size >> 20} MiB\n")
