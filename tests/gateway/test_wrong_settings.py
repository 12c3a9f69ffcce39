"""What keeps a gateway from starting: a setting that does not fit, or does not exist, in a flag or in the file."""

from pathlib import Path

import pytest
from support.preloaded import run


@pytest.mark.parametrize(
    ("flags", "file_text", "expected"),
    [
        (["--port", "abc"], "", "--port (LGSP_GW_PORT): input should be a valid integer"),
        (["--proxies", "10.0.0.5/99"], "", "--proxies (LGSP_GW_PROXIES): '10.0.0.5/99' does not appear"),
        (["--name", "a b"], "", "The name of a gateway"),
        (["--tls-cert", "x"], "", "tls-cert and tls-key belong together"),
        ([], "prot: 3\n", "there is no setting prot"),
        ([], "- 3\n", "must hold lines of `name: value`"),
        ([], "a: [\n", "Cannot read the settings file"),
        ([], "port: 8081\nport: 8082\n", "duplicate key 'port'"),
        ([], "public-url: https://a\npublic_url: https://b\n", "has the setting public-url twice"),
        ([], "port: 8081\n---\nport: 8082\n", "must hold lines of `name: value`"),
        ([], "head-seconds: .inf\n", "head-seconds (LGSP_GW_HEAD_SECONDS): input should be a finite number"),
        (["--stale-seconds", "inf"], "", "--stale-seconds (LGSP_GW_STALE_SECONDS): input should be a finite number"),
    ],
)
async def test_a_setting_that_does_not_fit_is_one_sentence(
    flags: list[str], file_text: str, expected: str, tmp_path: Path
) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(file_text)
    code, _, err = await run("gateway", "run", "--config", str(settings), *flags, environment={"COLUMNS": "400"})
    assert code in (1, 2)
    assert expected in err
    assert "Traceback" not in err
