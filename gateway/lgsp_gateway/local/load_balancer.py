"""HAProxy before the gateways of a local bus, where it has more than one."""

import os
import shutil
from collections.abc import Sequence

from lgsp_gateway.local.state_dir import StateDir
from lgsp_gateway.operate.haproxy_config import HaproxyConfig
from lgsp_gateway.operate.nats_config import Address
from lgsp_problems import CannotStart
from lgsp_runtime import durable_file

_LOOPBACK = "127.0.0.1"


def find_haproxy() -> str:
    """Return the path of HAProxy, which Debian has in a folder that only root's PATH names.

    Raises:
        Refusal: `cannot-start`, when it is not installed.
    """
    found = shutil.which("haproxy", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")))
    if found is None:
        raise CannotStart(
            vi="Chạy nhiều gateway cần HAProxy nhưng máy này chưa cài; hãy chạy apt-get install haproxy, hoặc bỏ --gateways.",
            en="More than one gateway takes HAProxy, which is not installed; run apt-get install haproxy, or leave --gateways out.",
        )
    return found


def command(state: StateDir, port: int, gateways: Sequence[int]) -> list[str]:
    """Write the configuration for this start, and return the command that runs HAProxy with it.

    Args:
        port: where callers reach it.
        gateways: the ports of the gateways.

    Raises:
        Refusal: `cannot-start`, when HAProxy is not installed.
    """
    binary = find_haproxy()
    config = HaproxyConfig(
        Address(_LOOPBACK, port),
        tuple(Address(_LOOPBACK, gateway) for gateway in gateways),
        log="stderr format raw local0 notice",
    )
    file = state.root / "haproxy.cfg"
    durable_file.write(file, config.text().encode())
    return [binary, "-db", "-f", str(file.absolute())]
