"""`lgsp install` and `lgsp uninstall`: the processes of the bus on a machine with systemd."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lgsp_contracts.cli.terminal import out
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.operate.install.installation import Installation, PlannedChange
from lgsp_gateway.operate.install.templates import NATS_SERVER, Role

_Roles = Annotated[tuple[Role, ...], Parameter(negative="", consume_multiple=True)]


def install(
    *,
    role: _Roles = ("gateway", "indexer", "nats"),
    root: Path = Path("/"),
    prefix: Path | None = None,
    nats_server: Path = NATS_SERVER,
    dry_run: bool = False,
) -> None:
    """Write the units of systemd, the users and the permissions of what this machine runs. Run it again after an upgrade.

    It starts nothing, and touches neither configuration nor data. What differs from before is shown.

    Parameters
    ----------
    role
        What this machine runs; may be given several times: gateway, delivery, indexer, nats, adapter, haproxy, and the timers archive, backup and doctor.
    root
        The root of the file system to install into, for those who make packages.
    prefix
        The virtual environment of lgsp there; by default that of this command.
    nats_server
        The binary of NATS there.
    dry_run
        Show each file and what would change in it, and write nothing.
    """
    installation = Installation(root.absolute(), prefix or Path(sys.prefix), nats_server)
    changes = installation.plan(role)
    for change in changes:
        _print(change, whole=dry_run)
    if dry_run:
        out(localized("chưa ghi gì (--dry-run)\n", "nothing was written (--dry-run)\n"))
        return
    installation.apply(changes)
    out(localized("Bật và chạy:\n", "Enable and start:\n"))
    for one in role:
        if one in _ENABLE:
            out(f"    systemctl enable --now {_ENABLE[one]}\n")


def uninstall(*, root: Path = Path("/"), prefix: Path | None = None) -> None:
    """Stop and remove the units. Configuration, keys, data and users stay, and it is said where.

    Parameters
    ----------
    root
        The root of the file system that it was installed into.
    prefix
        The virtual environment of lgsp there; by default that of this command.
    """
    installation = Installation(root.absolute(), prefix or Path(sys.prefix), NATS_SERVER)
    for path in installation.remove():
        out(localized(f"đã xóa {path}\n", f"removed {path}\n"))
    for path in installation.kept():
        out(localized(f"giữ nguyên {path}\n", f"kept {path}\n"))


_ENABLE: dict[Role, str] = {
    "nats": "lgsp-nats@nats-1",
    "gateway": "lgsp-gateway@gw-1",
    "delivery": "lgsp-delivery@gw-delivery-1",
    "indexer": "lgsp-indexer",
    "adapter": "lgsp-adapter@NAME",
    "haproxy": "haproxy",
    "archive": "lgsp-archive.timer",
    "backup": "lgsp-backup.timer",
    "doctor": "lgsp-doctor.timer",
}


def _print(change: PlannedChange, *, whole: bool) -> None:
    words = {
        "new": localized("mới", "new"),
        "changed": localized("thay đổi", "changed"),
        "same": localized("không đổi", "unchanged"),
    }
    out(f"{change.path}: {words[change.difference]}\n")
    shown = change.content if whole and change.difference == "new" else change.diff
    out("".join(f"    | {line}\n" for line in shown.splitlines()))
