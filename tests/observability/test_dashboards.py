"""Every query in the alerts and on the dashboards names metrics and labels that a gateway really exposes."""

import asyncio
import datetime
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.changes import Changes
from support.processes import apt_install
from support.workbench import Workbench, grant

from lgsp_adapters.adapter import Call, UpstreamFailed
from lgsp_gateway.observability.last_backup import record_backup

DEPLOY = Path(__file__).parents[2] / "deploy"
PROMETHEUS_OWN = {"up": {"job", "instance"}}
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{([^}]*)\}|(?=[\[\s,)]|$))")
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")


def queries() -> Iterator[tuple[str, str]]:
    for file in sorted(DEPLOY.glob("grafana/*.json")):
        board = json.loads(file.read_text())
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield f"{file.name}: {panel['title']}", target["expr"]
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                yield f"{file.name}: {variable['name']}", variable["query"]["query"]
    for group in yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def promtool() -> str:
    """Debian's, installed where it is missing and that is possible."""
    if not shutil.which("promtool"):
        apt_install("prometheus")
    found = shutil.which("promtool")
    assert found, "promtool is missing; apt-get install prometheus"
    return found


@pytest.mark.parametrize("command", [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]])
def test_the_alerts_are_what_promtool_takes(command: list[str]) -> None:
    done = subprocess.run(
        [promtool(), *command], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


async def test_each_query_names_what_is_exposed(breakable_bus: Workbench) -> None:
    bus = breakable_bus

    async def fail(request: dict[str, Any], call: Call) -> dict[str, Any]:
        raise UpstreamFailed("unreachable", "ConnectionRefusedError")

    await bus.serve(narrow=fail)
    await bus.call()
    await bus.call("narrow")
    made = await bus.ask("POST", "/endpoints", {"name": "nhan", "url": "http://127.0.0.1:9/"})
    await bus.ask("POST", f"/endpoints/{made.json['id']}/test")
    ends = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=5)).date().isoformat()
    soon = grant("ends-soon", "gamma", read=["*"])
    soon["spec"]["validUntil"] = ends
    assert (await Changes(bus).send(soon)).status == 201
    record_backup(bus.state.keys, time.time())
    exposed: dict[str, set[str]] = {}
    wanted = {
        "lgsp_upstream_failures_total",
        "lgsp_check_failed",
        "lgsp_expiry_timestamp_seconds",
        "lgsp_backup_age_seconds",
    }
    async with asyncio.timeout(20):
        while not wanted <= exposed.keys():
            await bus.ask("GET", "/ops/expirations", system="operator")
            async with bus.session.get("/ops/adapters", headers={"Authorization": f"Bearer {bus.token('auditor')}"}):
                pass  # the gateway asks the adapters how they are
            async with bus.session.get("/metrics") as answer:
                exposed = {**PROMETHEUS_OWN, **labels_of(await answer.text())}
            await asyncio.sleep(0.1)
    checked = 0
    for where, query in queries():
        bare = _STRING.sub('""', query.replace("$__rate_interval", "5m"))
        for inner in _GROUPING.findall(bare):
            bare = bare.replace(f"({inner})", "()", 1)
        names = [
            (name, selected)
            for name, selected in _SELECTOR.findall(bare)
            if name.startswith(("lgsp_", "process_", "up"))
        ]
        assert names, f"{where}: {query}"
        for name, selected in names:
            assert name in exposed, f"{where} names {name}"
            for label in re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", selected):
                assert label in exposed[name] | {"job", "instance"}, f"{where}: {name} has no label {label}"
        grouped = {label.strip() for inner in _GROUPING.findall(query) for label in inner.split(",")}
        known = set().union(*(exposed[name] for name, _ in names)) | {"instance", "job"}
        assert grouped <= known, f"{where} groups by {grouped - known}"
        checked += 1
    assert checked > 20


def labels_of(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, rest = line.partition("{")
            name = name.partition(" ")[0]
            found.setdefault(name, set()).update(re.findall(r'([a-z_]+)="', rest))
    return found
