"""What is written of the events of a process, however many come at once."""

from pathlib import Path

from lgsp_runtime.security_events import EVENTS_PER_SECOND, SecurityLog


def test_no_change_is_hidden_among_many_others(tmp_path: Path) -> None:
    path = tmp_path / "security.log"
    log = SecurityLog(str(path), "test")
    for number in range(4 * EVENTS_PER_SECOND):
        log.event("role-changed", "success", "iam", f"Person p-{number} changed")
        log.event("token-refused", "failure", "authentication", "token refused")
    log.stop()
    lines = path.read_text().splitlines()
    assert sum("role-changed" in line for line in lines) == 4 * EVENTS_PER_SECOND
    assert sum("token-refused" in line for line in lines) < 4 * EVENTS_PER_SECOND
