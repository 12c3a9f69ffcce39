"""`lgsp adapter install`: an adapter as a service of the machine of the office whose system it stands before."""

import os
import sys
from pathlib import Path

from lgsp_contracts.cli.terminal import out
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.operate.install.adapter_installation import AdapterInstallation, system_of
from lgsp_gateway.operate.install.installation import Installation
from lgsp_gateway.operate.install.templates import NATS_SERVER
from lgsp_problems import CannotStart
from lgsp_runtime import authorities


def install(
    name: str,
    /,
    *,
    manifest: str,
    nats: str,
    gateway: str,
    key: Path,
    catalog: Path | None = None,
    secrets: Path | None = None,
    root: Path = Path("/"),
    prefix: Path | None = None,
) -> None:
    """Try an adapter on the bus as it is going to run, and install it as a service of this machine.

    Nothing is written where it does not run. With `--ca FILE`, the authorities of gateway and NATS are installed too. Run it
    again to change something: secrets that are not given anew stay.

    Parameters
    ----------
    name
        What the service is called here: lgsp-adapter@NAME.
    manifest
        Its manifest: a path to `adapter.yaml`, or the name of one that comes with lgsp.
    nats
        Addresses of the NATS servers of the bus, such as tls://nats-1.lgsp.example.gov.vn:4222.
    gateway
        The URL of the bus.
    key
        The private key of its system, SYSTEM.pem.
    catalog
        The folder with its contract; those that come with lgsp by default.
    secrets
        A file of lines NAME=VALUE: the environment variables that the manifest names.
    root
        The root of the file system to install into, for those who make packages.
    prefix
        The virtual environment of lgsp there; by default that of this command.
    """
    system = system_of(manifest)
    if system and key.name != f"{system}.pem":
        raise CannotStart(
            vi=f"Manifest thuộc hệ thống {system} nên tệp khóa phải tên là {system}.pem; hãy nêu đúng khóa của hệ thống đó.",
            en=f"The manifest is of the system {system}, so its key must be called {system}.pem; name the key of that system.",
        )
    ca = os.environ.get(authorities.VARIABLE, "")
    adapter = AdapterInstallation(
        *(name, manifest, nats, gateway, key, catalog, Path(ca) if ca else None),
        secrets,
    )
    out(localized("chạy thử …\n", "trying it …\n"))
    adapter.attempt()
    installation = Installation(root.absolute(), prefix or Path(sys.prefix), NATS_SERVER)
    for file in adapter.write(installation.root):
        out(localized(f"đã ghi {file}\n", f"wrote {file}\n"))
    changes = installation.plan(("adapter",))
    installation.apply(changes)
    for change in changes:
        if change.difference != "same":
            out(localized(f"đã ghi {change.path}\n", f"wrote {change.path}\n"))
    out(localized("Bật và chạy:\n", "Enable and start:\n") + f"    systemctl enable --now lgsp-adapter@{name}\n")
