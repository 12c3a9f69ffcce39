"""The settings of a gateway: a flag beats the environment, which beats the file; and they are documented from themselves."""

from pathlib import Path

import pytest

from lgsp_gateway.config import GatewaySettings, environment_name
from lgsp_gateway.setting_descriptions import describe, describe_effective

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/reference/settings.md"
HEAD = """\
# The settings of a gateway

Written by `python tests/unit/gateway/test_config.py` from the settings themselves, which `lgsp gateway settings` shows too.

Each is a flag of `lgsp gateway run` (`--public-url`), an environment variable, or a line of the YAML file that `--config` or
`LGSP_GW_CONFIG` names (`public-url: https://…`). A flag beats the environment, and the environment beats the file. A setting that does
not fit, or that does not exist, keeps the gateway from starting. `lgsp gateway settings --format yaml` writes a file to begin with.

Log level and tracing are set as everywhere: `LGSP_LOG_LEVEL` (debug, info, warning, error) and OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT`).

| setting | environment | default | meaning |
| --- | --- | --- | --- |
"""


def page() -> str:
    return HEAD + describe(GatewaySettings, "markdown")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.yaml"
    path.write_text("port: 1001\nstale-seconds: 7\nproxies: [10.0.0.5, 10.1.0.0/16]\n")
    return path


def test_a_flag_beats_the_environment_which_beats_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment_name("stale_seconds"), "8")
    monkeypatch.setenv(environment_name("host"), "0.0.0.0")
    settings = GatewaySettings(config=file, host="::1")
    assert (settings.port, settings.stale_seconds, settings.host) == (1001, 8.0, "::1")
    assert [str(network) for network in settings.proxies] == ["10.0.0.5/32", "10.1.0.0/16"]


def test_the_environment_may_name_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment_name("config"), str(file))
    assert GatewaySettings().port == 1001


def test_the_values_that_are_set_are_shown(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment_name("host"), "0.0.0.0")
    shown = describe_effective(GatewaySettings(config=file))
    assert "--port, LGSP_GW_PORT  [8080]  = 1001\n" in shown
    assert "--host, LGSP_GW_HOST  [127.0.0.1]  = 0.0.0.0\n" in shown
    assert "--replicas, LGSP_GW_REPLICAS  [1]\n" in shown


def test_the_page_is_written_from_the_settings() -> None:
    assert PAGE.read_text() == page(), f"run python {Path(__file__).relative_to(ROOT)}"


def test_a_file_to_begin_with_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(describe(GatewaySettings, "yaml"))
    assert GatewaySettings(config=path).model_dump(exclude={"config"}) == GatewaySettings().model_dump(
        exclude={"config"}
    )


if __name__ == "__main__":
    PAGE.write_text(page())
