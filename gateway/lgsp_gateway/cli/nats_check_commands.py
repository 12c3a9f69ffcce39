"""`lgsp nats check`: what is wrong with running NATS servers, for whoever set them up and for a timer."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lgsp_contracts.cli.terminal import out
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.operate.nats_check.check import check as check_servers
from lgsp_gateway.operate.nats_check.configuration import of_configuration
from lgsp_runtime.tls import TlsFiles


def check(
    *,
    nats: str,
    nats_passwords: Path,
    configuration: Annotated[tuple[Path, ...], Parameter(negative="")] = (),
    nats_ca: Path | None = None,
) -> None:
    """Say what is wrong with running NATS servers, a sentence each; the exit status is 1 when something is.

    Nothing is changed. It compares them with what `lgsp nats config` writes: version, JetStream, limits, TLS, accounts, what each user can
    do (tried), the number of servers, their clocks, and the replicas of streams.

    Parameters
    ----------
    nats
        Addresses of the servers, separated by commas: all of them, since what users can do is tried at each.
    nats_passwords
        The folder of the passwords, as gateways take it.
    configuration
        The `nats.conf` of a server of this machine, to check what a running one tells nobody: encryption of its storage, and the rights
        of each user word by word, those of leaf nodes among them; may be given several times.
    nats_ca
        Certificate authorities for `tls://` addresses.
    """
    tls = TlsFiles.for_client(nats_ca).context if nats_ca else None
    found = [finding for file in configuration for finding in of_configuration(file)]
    found += asyncio.run(check_servers(nats, nats_passwords, tls))
    for finding in found:
        out(localized(f"- {finding.vi}\n", f"- {finding.en}\n"))
    if found:
        sys.exit(1)
    out(localized("không thấy gì sai ở NATS\n", "nothing is wrong with NATS\n"))
    if not configuration:
        out(
            localized(
                "chưa kiểm tra mã hóa kho lưu; hãy nêu --configuration trên máy của máy chủ\n",
                "encryption of the storage was not checked; give --configuration on the machine of a server\n",
            )
        )
