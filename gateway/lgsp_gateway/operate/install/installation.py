"""What `lgsp install` would change on a machine, shown before it is changed; and what `lgsp uninstall` removes.

Only files that lgsp brings are written and removed: units, users, permissions. Configuration, keys and data are neither's, so that the
one can be run again after an upgrade, and the other loses nothing. What a machine wants otherwise is a drop-in (`systemctl edit`).
"""

import difflib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lgsp_gateway.operate.install.templates import ROLES, InstalledFile, Role, installed_files
from lgsp_problems import CannotStart, Refusal
from lgsp_runtime import durable_file

DATA = ("etc/lgsp", "var/lib/lgsp", "var/lib/lgsp-nats", "var/lib/lgsp-adapter")
"""What is never removed."""

Difference = Literal["new", "changed", "same"]


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """A file and what becomes of it: written, changed as `diff` says, or left as it is."""

    path: Path
    content: str
    difference: Difference
    diff: str = ""


@dataclass(frozen=True, slots=True)
class Installation:
    """The files of lgsp on a machine.

    Args:
        root: the root of its file system: `/`, or a folder that becomes one, as packagers have it.
        prefix: the virtual environment of lgsp there.
        nats_server: the binary of NATS there.
    """

    root: Path
    prefix: Path
    nats_server: Path

    def plan(self, roles: tuple[Role, ...]) -> list[PlannedChange]:
        """Return what becomes of each file of some roles."""
        return [self._change(file) for file in installed_files(roles, self.prefix, self.nats_server)]

    def apply(self, changes: list[PlannedChange]) -> None:
        """Write what differs, make the users, and give them what they read.

        Raises:
            Refusal: `cannot-start`.
        """
        try:
            for change in changes:
                if change.difference != "same":
                    durable_file.make_folder(change.path.parent, 0o755)
                    durable_file.write(change.path, change.content.encode(), 0o644)
        except OSError as error:
            raise _unwritable(error) from error
        self._run("systemd-sysusers", f"--root={self.root}", "lgsp.conf")
        self._run("systemd-tmpfiles", "--create", f"--root={self.root}", "lgsp.conf")
        self._reload()

    def remove(self) -> list[Path]:
        """Remove the files of all roles, and return them; configuration, keys, data and users stay.

        Raises:
            Refusal: `cannot-start`.
        """
        there = [self._inside(file.path) for file in installed_files(ROLES, self.prefix, self.nats_server)]
        there = [path for path in there if path.exists()]
        if self._is_running_system:
            units = sorted({path.name for path in there if path.suffix in (".service", ".timer", ".target")})
            self._run("systemctl", "disable", "--now", *(unit.replace("@.", "@*.") for unit in units))
        try:
            for path in there:
                durable_file.remove(path)
        except OSError as error:
            raise _unwritable(error) from error
        self._reload()
        return there

    def kept(self) -> Iterator[Path]:
        """Yield where data, keys and configuration are."""
        for name in DATA:
            if (self.root / name).exists():
                yield self.root / name

    @property
    def _is_running_system(self) -> bool:
        return self.root == Path("/") and Path("/run/systemd/system").is_dir()

    def _change(self, file: InstalledFile) -> PlannedChange:
        path = self._inside(file.path)
        try:
            before = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return PlannedChange(path, file.content, "new")
        if before == file.content:
            return PlannedChange(path, file.content, "same")
        lines = difflib.unified_diff(
            before.splitlines(), file.content.splitlines(), str(path), str(path), lineterm="", n=1
        )
        return PlannedChange(path, file.content, "changed", "\n".join(lines))

    def _inside(self, path: Path) -> Path:
        return self.root / path.relative_to("/")

    def _reload(self) -> None:
        if self._is_running_system:
            self._run("systemctl", "daemon-reload")

    def _run(self, *command: str) -> None:
        program = shutil.which(command[0])
        if program is None:
            raise CannotStart(
                vi=f"Máy này không có {command[0]}; lgsp install cần systemd, hãy cài gói systemd.",
                en=f"There is no {command[0]} on this machine; lgsp install takes systemd: install its package.",
            )
        done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)  # noqa: S603 - a fixed program
        if done.returncode not in (0, _EX_DATAERR, _EX_CANTCREAT):
            said = done.stderr.strip().splitlines()[-1:] or [str(done.returncode)]
            raise CannotStart(
                vi=f"{command[0]} thất bại: {said[0]}; hãy sửa rồi chạy lại lgsp install.",
                en=f"{command[0]} failed: {said[0]}; mend that, and run lgsp install again.",
            )


_EX_DATAERR, _EX_CANTCREAT = 65, 73
"""Of systemd-tmpfiles: a line that cannot be carried out here, such as an attribute that the file system does not have."""


def _unwritable(error: OSError) -> Refusal:
    return CannotStart(
        vi=f"Không ghi được {error.filename}: {error.strerror}; hãy chạy với quyền root, hoặc chọn thư mục khác bằng --root.",
        en=f"Cannot write {error.filename}: {error.strerror}; run this as root, or name another folder with --root.",
    )
