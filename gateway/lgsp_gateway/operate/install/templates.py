"""The units of systemd that come with lgsp, and what belongs to them, by what a machine runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

Role = Literal["gateway", "delivery", "indexer", "nats", "adapter", "haproxy", "archive", "backup", "doctor"]
ROLES: tuple[Role, ...] = get_args(Role)

PREFIX = Path("/opt/lgsp")
"""The virtual environment that the units name, and that is replaced by that of this command."""
NATS_SERVER = Path("/usr/local/bin/nats-server")

_SYSTEMD = Path("/etc/systemd/system")
_FILES: dict[Role, tuple[str, ...]] = {
    "gateway": ("lgsp-gateway@.service",),
    "delivery": ("lgsp-delivery@.service",),
    "indexer": ("lgsp-indexer.service",),
    "nats": ("lgsp-nats@.service", "lgsp-nats.target"),
    "adapter": ("lgsp-adapter@.service",),
    "haproxy": ("haproxy-lgsp.conf",),
    "archive": ("lgsp-archive.service", "lgsp-archive.timer"),
    "backup": ("lgsp-backup.service", "lgsp-backup.timer"),
    "doctor": ("lgsp-doctor.service", "lgsp-doctor.timer"),
}
_OF_ALL = {
    "lgsp-sysusers.conf": Path("/etc/sysusers.d/lgsp.conf"),
    "lgsp-tmpfiles.conf": Path("/etc/tmpfiles.d/lgsp.conf"),
}
_ELSEWHERE = {"haproxy-lgsp.conf": _SYSTEMD / "haproxy.service.d" / "lgsp.conf"}


@dataclass(frozen=True, slots=True)
class InstalledFile:
    """A file of the installation: where it is, and what it says."""

    path: Path
    content: str


def installed_files(roles: tuple[Role, ...], prefix: Path, nats_server: Path) -> Iterator[InstalledFile]:
    """Yield the files of some roles.

    Args:
        prefix: the virtual environment of lgsp.
        nats_server: the binary of NATS.
    """
    folder = _shipped_folder()
    for name, path in _OF_ALL.items():
        yield InstalledFile(path, (folder / name).read_text(encoding="utf-8"))
    for role in roles:
        for name in _FILES[role]:
            content = (folder / name).read_text(encoding="utf-8")
            content = content.replace(str(PREFIX), str(prefix)).replace(str(NATS_SERVER), str(nats_server))
            yield InstalledFile(_ELSEWHERE.get(name, _SYSTEMD / name), content)


def _shipped_folder() -> Path:
    """Find the units: in the package when installed, in `deploy/systemd` of a checkout."""
    package = Path(str(files("lgsp_gateway")))
    inside = package / "operate" / "install" / "systemd"
    return inside if inside.is_dir() else package.parents[1] / "deploy" / "systemd"
