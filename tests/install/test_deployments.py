"""Containers, compose and Kubernetes: judged by the tools of their own worlds."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.preloaded import run
from support.processes import ROOT, Process
from support.waits import eventually

BINARIES = Path(sys.executable).parent
OVERLAY = ROOT / "deploy/kubernetes/overlays/quang-ninh"


def said_by(*command: str) -> str:
    done = subprocess.run([str(BINARIES / command[0]), *command[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_containerfile_is_what_hadolint_wants() -> None:
    folder = ROOT / "deploy/container"
    assert not said_by("hadolint", "--config", str(folder / "hadolint.yaml"), str(folder / "Containerfile"))


@pytest.mark.parametrize("name", ["one-machine.yaml", "three-machines.yaml"])
def test_compose_files_keep_their_schema_and_are_hardened(name: str) -> None:
    file = ROOT / "deploy/compose" / name
    said_by("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(file))
    for service, described in yaml.safe_load(file.read_text())["services"].items():
        assert described["read_only"] is True, service
        assert described["cap_drop"] == ["ALL"], service
        assert "no-new-privileges:true" in described["security_opt"], service


@pytest.fixture(scope="module")
def rendered() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(said_by("kubectl", "kustomize", str(OVERLAY))))


def test_kubernetes_takes_what_is_rendered(rendered: list[dict[str, Any]], tmp_path: Path) -> None:
    for number, document in enumerate(rendered):
        (tmp_path / f"{number}.yaml").write_text(yaml.safe_dump(document))
    said_by("kubernetes-validate", "--strict", *(str(file) for file in sorted(tmp_path.iterdir())))


def test_pods_are_restricted_and_probed(rendered: list[dict[str, Any]]) -> None:
    workloads = [one for one in rendered if one["kind"] in ("StatefulSet", "Deployment")]
    assert {one["metadata"]["name"] for one in workloads} == {"gateway", "indexer", "adapter"}
    for one in workloads:
        pod = one["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        for container in pod["containers"]:
            assert {"livenessProbe", "startupProbe"} <= container.keys()
        named = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
        assert named, "secrets are referred to"
    assert not [one for one in rendered if one["kind"] == "Secret"], "none is in the repository"
    kinds = [one["kind"] for one in rendered]
    assert {"PodDisruptionBudget", "NetworkPolicy"} <= set(kinds)


def test_the_settings_of_kubernetes_are_settings(rendered: list[dict[str, Any]], tmp_path: Path) -> None:
    [settings] = [one for one in rendered if one["kind"] == "ConfigMap" and "gateway.yaml" in one["data"]]
    file = tmp_path / "gateway.yaml"
    file.write_text(settings["data"]["gateway.yaml"])
    done = subprocess.run(
        [sys.executable, "-m", "lgsp_gateway", "gateway", "settings", "--config", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "= tls://nats.lgsp.svc:4222" in done.stdout) == (0, True), done.stderr


async def test_the_health_check_of_containers(tmp_path: Path) -> None:
    """An indexer, which has no address, shows by its heartbeat that it lives."""
    heartbeat = tmp_path / "alive"
    code, _, err = await run("health", "--heartbeat", str(heartbeat))
    assert (code, "there is no heartbeat" in err) == (1, True), err
    code, _, err = await run("health", "http://127.0.0.1:1")
    assert (code, "does not answer" in err) == (1, True), err
    process = Process([sys.executable, "-c", BEATING], tmp_path / "beating.log", {"LGSP_HEARTBEAT": str(heartbeat)})
    await process.start()
    try:
        await eventually(heartbeat.exists)
        code, _, err = await run("health", "--heartbeat", str(heartbeat))
        assert code == 0, err
    finally:
        await process.stop()


BEATING = """
from lgsp_runtime import process

async def main(this):
    this.ready("beating")
    await this.stop.wait()

process.run("beating", main)
"""
