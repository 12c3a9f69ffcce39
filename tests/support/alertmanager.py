"""A real Alertmanager from Debian, alone and with no receiver: what fires is what a test sends it."""

import shutil
from pathlib import Path

import aiohttp

from support.processes import Process, apt_install, free_port
from support.waits import eventually

PACKAGE = "prometheus-alertmanager"


class AlertmanagerProcess:
    """One Alertmanager.

    Args:
        folder: for its configuration, its data and its log.
    """

    def __init__(self, folder: Path) -> None:
        if not shutil.which(PACKAGE):
            apt_install(PACKAGE)
        binary = shutil.which(PACKAGE)
        assert binary, f"Alertmanager is missing; apt-get install {PACKAGE}"
        config = folder / "alertmanager.yml"
        config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}"
        command = [binary, f"--config.file={config}", f"--storage.path={folder / 'alertmanager'}"]
        command += [f"--web.listen-address={address}", "--cluster.listen-address="]
        self._process = Process(command, folder / "alertmanager.log")

    async def start(self) -> "AlertmanagerProcess":
        """Start it, and wait until it answers."""
        await self._process.start(wait_ready=False)
        await eventually(self._is_ready, seen=self._process.log.read_text)
        return self

    async def fire(self, name: str, severity: str, summary: str, runbook: str) -> None:
        """Have an alert fire."""
        alert = {
            "labels": {"alertname": name, "severity": severity, "instance": "gw-1"},
            "annotations": {"summary": summary, "runbook": runbook},
        }
        url = f"{self.url}/api/v2/alerts"
        async with aiohttp.ClientSession() as session, session.post(url, json=[alert]) as answer:
            assert answer.status == 200, await answer.text()

    async def stop(self) -> None:
        """End it at once."""
        await self._process.kill()

    async def _is_ready(self) -> bool:
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/-/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False
