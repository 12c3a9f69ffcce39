"""A machine of its own: this one's file system under an overlay, with systemd as its first process (`systemd-nspawn --boot`).

Units, users, permissions and the filters of system calls are those of a host; the kernel and the network are shared with the tests.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

from support.processes import ROOT, apt_install
from support.waits import WORK_SECONDS, eventually

PYTHON = Path("/opt/python")
PREFIX = Path("/opt/lgsp")
TARGET = "lgsp-test.target"


def unavailable() -> str:
    """Why no machine can be started here; "" where it can."""
    if os.geteuid() != 0:
        return "root alone starts a machine"
    if not shutil.which("systemd-nspawn"):
        apt_install("systemd", "systemd-container")
    return "" if shutil.which("systemd-nspawn") else "apt-get install systemd-container"


class Machine:
    """A machine whose disk is thrown away with the test."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self._folder = folder
        self._nspawn: asyncio.subprocess.Process | None = None
        self.log = folder / "boot.log"

    def prepare(self) -> None:
        """Mount the file system, and put lgsp where a virtual environment of it would be."""
        layers = self._folder / "layers"
        for folder in (self.root, layers):
            folder.mkdir()
        mount("-t", "tmpfs", "tmpfs", str(layers))  # an overlay on a disk that is an overlay itself is refused
        for name in ("upper", "work"):
            (layers / name).mkdir()
        mount(
            "-t",
            "overlay",
            "overlay",
            "-o",
            f"lowerdir=/,upperdir={layers}/upper,workdir={layers}/work",
            str(self.root),
        )
        for wants in (self.root / "etc/systemd/system").glob(
            "*.wants"
        ):  # what this machine runs is not to be run twice
            shutil.rmtree(wants)
        for gone in ("etc/lgsp", "var/lib/lgsp", "etc/machine-id"):
            path = self.root / gone
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        lib = self.root / PREFIX.relative_to("/") / f"lib/python{sys.version_info.major}.{sys.version_info.minor}"
        (lib / "site-packages").mkdir(parents=True)
        (self.root / PYTHON.relative_to("/")).mkdir(parents=True)
        binaries = self.root / PREFIX.relative_to("/") / "bin"
        binaries.mkdir()
        (binaries.parent / "pyvenv.cfg").write_text(f"home = {PYTHON}/bin\ninclude-system-site-packages = false\n")
        (binaries / "python").symlink_to(PYTHON / "bin/python3")
        command = binaries / "lgsp"
        command.write_text(f"#!{PREFIX}/bin/python\nfrom lgsp_gateway.cli.main import main\nmain()\n")
        command.chmod(0o755)
        nats = shutil.which("nats-server", path=str(Path(sys.executable).parent))
        assert nats
        shutil.copy(nats, self.root / "usr/local/bin/nats-server")
        target = self.root / "etc/systemd/system" / TARGET
        target.write_text("[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n")
        default = target.with_name("default.target")
        default.unlink(missing_ok=True)
        default.symlink_to(TARGET)

        # an interpreter that is linked to a library beside it, which units do not see where that is below /root
        (self.root / "etc/ld.so.conf.d/00-python.conf").write_text(f"{PYTHON}/lib\n")

    async def start(self) -> None:
        """Boot it."""
        await self.run("ldconfig")
        with self.log.open("wb") as log:
            self._nspawn = await asyncio.create_subprocess_exec(
                *self._command("--boot"), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

        async def booted() -> bool:
            with contextlib.suppress(AssertionError, FileNotFoundError):
                return "active" in (await self.run("systemctl", "is-active", TARGET))[1]
            return False

        await eventually(booted, seen=lambda: self.log.read_text(errors="replace")[-2000:])

    async def stop(self) -> None:
        """Power it off, and throw its disk away."""
        if self._nspawn and self._nspawn.returncode is None:
            self._nspawn.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._nspawn.wait(), 20)
            except TimeoutError:
                self._nspawn.kill()
                await self._nspawn.wait()
        for place in (self.root, self._folder / "layers"):
            subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)

    async def lgsp(self, *arguments: str) -> str:
        """Run the command there; what it says."""
        code, out, err = await self.run(f"{PREFIX}/bin/lgsp", *arguments)
        assert code == 0, err
        return out

    async def run(self, *command: str) -> tuple[int, str, str]:
        """Run a command there, as root: exit code, stdout, stderr. Before the machine is booted, in its file system alone."""
        inside = ["nsenter", "-t", str(self._init()), "-m", "-u", "-i", "-p", "-C", "--"] if self._nspawn else None
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        process = await asyncio.create_subprocess_exec(
            *(inside or self._command("--pipe", "--setenv=LC_ALL=C.UTF-8")),
            *command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        out, err = await asyncio.wait_for(process.communicate(), WORK_SECONDS)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    def _init(self) -> int:
        assert self._nspawn
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        assert children, "not booted yet"
        return int(children[0])

    def _command(self, *options: str) -> list[str]:
        packages = sysconfig.get_paths()["purelib"]
        mounts = {sys.base_prefix: str(PYTHON), packages: f"{PREFIX}/lib/{Path(packages).parent.name}/site-packages"}
        binds = [f"--bind-ro={place}:{there}" for place, there in {**mounts, str(ROOT): str(ROOT)}.items()]
        return ["systemd-nspawn", "-q", "-D", str(self.root), "--register=no", "--keep-unit", *binds, *options]


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
