"""`lgsp install`: units that hold to systemd's own judgement, and a machine that boots with them."""

import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from install.machine import PREFIX, Machine, unavailable
from install.new_bus import AGENCIES, OPERATORS
from support import preloaded
from support.processes import ROOT, apt_install, free_port
from support.waits import eventually

from lgsp_gateway.operate.install.templates import ROLES
from lgsp_gateway.operate.nats_config import LAME_DUCK

UNITS = ROOT / "deploy/systemd"
ALL_ROLES = [part for role in ROLES for part in ("--role", role)]
HIGHEST_EXPOSURE = 2.5


@pytest.fixture(scope="module")
def systemd() -> None:
    if not shutil.which("systemd-analyze"):
        apt_install("systemd")
    assert shutil.which("systemd-analyze"), "systemd is missing: apt-get install systemd"


async def install(root: Path, *more: str, command: str = "install") -> str:
    code, out, err = await preloaded.run(command, "--root", str(root), "--prefix", str(PREFIX), *more)
    assert code == 0, err
    return out


@pytest.mark.usefixtures("systemd")
@pytest.mark.parametrize("unit", sorted(UNITS.glob("*.service")), ids=lambda unit: unit.name)
def test_each_unit_is_hardened(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposure, done.stderr
    assert float(exposure[1]) <= HIGHEST_EXPOSURE, done.stdout


def test_servers_of_nats_stop_by_lame_duck() -> None:
    """After an `ExecStop` that only sends a signal systemd sends its own at once: SIGTERM would end the server before its clients have left."""
    unit = (UNITS / "lgsp-nats@.service").read_text()
    assert "KillSignal=SIGUSR2" in unit
    assert "ExecStop=" not in unit
    longest = float(LAME_DUCK["lame_duck_duration"].rstrip("s")) + float(
        LAME_DUCK["lame_duck_grace_period"].rstrip("s")
    )
    waited = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert waited
    assert float(waited[1]) > longest


@pytest.mark.usefixtures("systemd")
async def test_systemd_finds_nothing_wrong_in_the_units(tmp_path: Path) -> None:
    root = tmp_path / "root"
    await install(root, *ALL_ROLES)
    for program in (PREFIX / "bin/lgsp", Path("/usr/local/bin/nats-server"), Path("/bin/kill")):
        there = root / program.relative_to("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text("#!/bin/true\n")
        there.chmod(0o755)
    for folder in ("usr/lib/systemd/system",):
        shutil.copytree(Path("/") / folder, root / folder, symlinks=True)
    units = sorted(path.name for path in (root / "etc/systemd/system").iterdir() if path.is_file())
    named = [unit.replace("@.", "@one.") for unit in units]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", f"--root={root}", *named],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if "lgsp" in line]
    assert (done.returncode, said) == (0, []), done.stderr


@pytest.mark.usefixtures("systemd")
async def test_it_shows_differences_and_removes_no_data(tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert "nothing was written" in await install(root, "--dry-run")
    assert not root.exists()
    first = await install(root, *ALL_ROLES)
    assert "unchanged" not in first
    users = (root / "etc/passwd").read_text()
    assert {line.partition(":")[0] for line in users.splitlines()} >= {"lgsp", "lgsp-nats", "lgsp-adapter"}
    again = await install(root, *ALL_ROLES)
    assert "new" not in re.findall(r": (\w+)$", again, re.MULTILINE)
    gateway = root / "etc/systemd/system/lgsp-gateway@.service"
    gateway.write_text(gateway.read_text().replace("UMask=0077", "UMask=0022"))
    changed = await install(root, "--role", "gateway")
    assert "| -UMask=0022" in changed
    assert "| +UMask=0077" in changed
    keys, data = root / "etc/lgsp/keys/pseudonym.key", root / "var/lib/lgsp-nats/jetstream"
    keys.write_bytes(bytes(32))
    data.mkdir(parents=True)
    removed = await install(root, command="uninstall")
    assert f"removed {gateway}" in removed
    assert f"kept {root}/etc/lgsp" in removed
    assert f"kept {root}/var/lib/lgsp-nats" in removed
    assert keys.exists()
    assert data.exists()
    assert not list((root / "etc/systemd/system").rglob("*lgsp*"))


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    if reason := unavailable():
        pytest.skip(reason)
    made = Machine(tmp_path)
    try:
        made.prepare()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no overlay can be mounted here: {error.stderr!r}")
    yield made
    await made.stop()


@pytest.mark.long
async def test_a_machine_boots_into_a_bus(machine: Machine) -> None:
    """systemd itself starts NATS, gateway and indexer as their users, in all the bounds of their units."""
    port, nats = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    chosen = [part for one in AGENCIES for part in ("--agency", one)]
    chosen += [part for one in OPERATORS for part in ("--operator", one)]
    chosen += ["--listen", f"127.0.0.1:{port}", "--nats", f"127.0.0.1:{nats}", "--max-storage", "1GiB"]
    await machine.lgsp("init", "--domain", "lgsp.quangninh.gov.vn", "--public-url", url, *chosen)
    await machine.lgsp("install")
    await machine.start()
    services = ("lgsp-nats@nats-1", "lgsp-gateway@gw-1", "lgsp-indexer")
    code, _, err = await machine.run("systemctl", "enable", "--now", "--no-block", *services)
    assert code == 0, err

    async def ready() -> bool:
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    for _ in range(4):  # a process takes seconds to be loaded from a disk that knows nothing of it yet
        try:
            await eventually(ready)
        except AssertionError:
            continue
        break
    states = (await machine.run("systemctl", "is-active", *services))[1].split()
    journal = (await machine.run("journalctl", "--no-pager", "-n", "40"))[1]
    assert states == ["active"] * 3, journal
    assert await owner(machine, services[1]) == "lgsp"
    assert await owner(machine, services[0]) == "lgsp-nats"
    shown = await machine.lgsp("operators", "show", "--keys", "/etc/lgsp/keys")
    assert shown.count(f"{url}/console/sign-in/password#") == len(OPERATORS)
    await machine.run("systemctl", "stop", *services)
    results = (await machine.run("systemctl", "show", "-p", "Result", *services))[1]
    assert set(results.split()) == {"Result=success"}, results
    removed = await machine.lgsp("uninstall")
    assert "kept /var/lib/lgsp-nats" in removed
    assert (await machine.run("systemctl", "cat", services[1]))[0] != 0


async def owner(machine: Machine, unit: str) -> str:
    """The user that the main process of a unit runs as."""
    pid = (await machine.run("systemctl", "show", "-p", "MainPID", "--value", unit))[1].strip()
    return (await machine.run("stat", "-c", "%U", f"/proc/{pid}"))[1].strip()
