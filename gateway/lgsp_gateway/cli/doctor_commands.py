"""`lgsp doctor`: is the bus well, and what to do where it is not."""

import contextlib
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson

from lgsp_contracts.cli.terminal import language, out
from lgsp_gateway.cli.bus_client import BusOptions
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.local.state_dir import StateDir
from lgsp_problems import Refusal, Text, on_one_line

MIN_FREE = 2 * 1024**3
"""Bytes that a disk should have left."""


def doctor(*, bus: BusOptions = BusOptions()) -> None:  # noqa: B008 - cyclopts reads it, nobody changes it
    """Look at everything that must hold, here and in the gateway, and say what to do where something does not."""
    results = [*(_machine_checks(StateDir(bus.state_dir)) if not bus.url else ()), *_gateway_checks(bus)]
    for name, wrong in results:
        out(
            f"[{'!' if wrong else 'ok':>2}] {name:<15} {on_one_line(wrong.in_language(language())) if wrong else ''}".rstrip()
            + "\n"
        )
    for level, ends in _expirations(bus):
        out(f"[{level:>2}] {on_one_line(ends.in_language(language()))}\n")
    failed = sum(wrong is not None for _, wrong in results)
    if failed:
        total = len(results)
        out(localized(f"{failed} trong {total} kiểm tra không đạt\n", f"{failed} of {total} checks failed\n"))
        sys.exit(1)


def _gateway_checks(bus: BusOptions) -> list[tuple[str, Text | None]]:
    """Print the results of the gateway's checks."""
    try:
        items = orjson.loads(bus.client().get("/ops/checks"))["items"]
    except Refusal as refusal:
        return [("gateway", refusal.detail)]
    gateway: list[tuple[str, Text | None]] = [("gateway", None)]
    return gateway + [(one["check"], Text(**one["detail"]) if one["detail"] else None) for one in items]


def _expirations(bus: BusOptions) -> Iterator[tuple[str, Text]]:
    """Yield what ends within 30 days: what ends within 7 fails a check too, the rest is a notice."""
    with contextlib.suppress(Refusal):  # the check `gateway` says why
        for one in orjson.loads(bus.client().get("/ops/expirations"))["items"]:
            if "level" in one:
                yield {"notice": "i", "warning": "!", "critical": "!!"}[one["level"]], Text(**one["detail"])


def _machine_checks(state: StateDir) -> Iterator[tuple[str, Text | None]]:
    """Print the results of the checks of this machine."""
    if not state.root.is_dir():
        yield (
            "state folder",
            Text(
                f"Không có thư mục {state.root}; hãy chỉ thư mục của trục bằng --state-dir, hoặc địa chỉ gateway bằng --url.",
                f"There is no folder {state.root}; name that of the bus with --state-dir, or a gateway's address with --url.",
            ),
        )
        return
    yield "disk", _disk(state.root)
    yield "key files", _key_files(state.keys)
    yield "processes", _processes(state)


def _disk(folder: Path) -> Text | None:
    if not folder.exists():
        return None
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK):
        return Text(f"Không ghi được vào {folder}; hãy sửa quyền.", f"{folder} cannot be written; mend its rights.")
    if free >= MIN_FREE:
        return None
    left = f"{free / 1024**2:.0f} MiB"
    return Text(
        f"Đĩa của {folder} chỉ còn {left}; hãy chạy `lgsp evidence archive` hoặc thêm đĩa.",
        f"The disk of {folder} has only {left} left; run `lgsp evidence archive`, or add disk.",
    )


def _key_files(folder: Path) -> Text | None:
    files = [*folder.glob("*.pem"), *folder.glob("*.key")]
    if not files:
        return Text(
            f"Không có khóa nào trong {folder}; hãy khôi phục từ bản sao, hoặc chạy `lgsp up` lần đầu để tạo.",
            f"There are no keys in {folder}; restore them from a copy, or have a first `lgsp up` make them.",
        )
    open_ = [file.name for file in files if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    if not open_:
        return None
    names = ", ".join(open_)
    return Text(
        f"Người khác trên máy đọc được khóa {names} trong {folder}; hãy chạy chmod 600.",
        f"Others on this machine may read the keys {names} in {folder}; chmod 600 them.",
    )


def _processes(state: StateDir) -> Text | None:
    try:
        named = state.running()["processes"]
    except Refusal as refusal:
        return refusal.detail
    if not Path("/proc/self").exists():
        return None
    gone = ", ".join(name for name, pid in named.items() if not Path(f"/proc/{pid}").exists())
    still = ", ".join(name for name, pid in named.items() if _stands_still(pid))
    if still:
        return Text(
            f"Đang bị dừng tạm (SIGSTOP): {still}; hãy gửi SIGCONT cho nó, hoặc khởi động lại.",
            f"Standing still (SIGSTOP): {still}; send it SIGCONT, or restart it.",
        )
    if not gone:
        return None
    return Text(f"Đã dừng: {gone}; hãy xem {state.logs}.", f"Not running: {gone}; look into {state.logs}.")


def _stands_still(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("T", "t")
    except OSError:
        return False
