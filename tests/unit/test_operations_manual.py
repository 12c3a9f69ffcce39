"""The operations manual: each alert, check and finding has its place, and each page names the tests of what it describes."""

import datetime
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/operate"
MANUAL = (FOLDER / "symptoms.md").read_text()
ALERTS = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
SECTIONS: dict[str, str] = dict(re.findall(r"^### (.+)\n([\s\S]*?)(?=^##|\Z)", MANUAL, re.MULTILINE))


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_each_alert_leads_to_its_section(rule: dict[str, object]) -> None:
    name, annotations = rule["alert"], rule["annotations"]
    assert isinstance(name, str)
    assert isinstance(annotations, dict)
    assert name in SECTIONS
    assert annotations["runbook_url"] == f"{{{{ $externalLabels.manual }}}}/symptoms.md#{name.lower()}"


def test_each_section_says_what_to_look_at_and_what_to_do() -> None:
    for title, body in SECTIONS.items():
        leads_elsewhere = body.strip().startswith(("As ", "Look for "))
        assert leads_elsewhere or ("* **Look**: " in body and "* **Do**: " in body), title
    named = {title for title in SECTIONS if title.startswith("Lgsp")}
    assert named == {rule["alert"] for rule in ALERTS}


def test_each_check_of_doctor_stands_in_the_table() -> None:
    table = MANUAL.split("## Checks of `lgsp doctor`")[1].split("\n## ")[0]
    listed = {
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
    }
    sources = "\n".join(file.read_text() for file in (ROOT / "gateway/lgsp_gateway").rglob("*.py"))
    checks = set(re.findall(r'"([a-z ]+)": (?:self\._)?check', sources))
    checks |= set(re.findall(r'yield "([a-z ]+)", _', sources)) | {"gateway"}
    assert len(checks) > 25
    assert checks <= listed, checks - listed
    assert all(f'"{name}"' in sources for name in listed)


def test_each_page_names_tests_or_the_day_it_was_walked() -> None:
    for page in sorted(FOLDER.glob("*.md")):
        marks = re.findall(r"^<!-- (.+) -->$", page.read_text(), re.MULTILINE)
        assert len(marks) == 1, page.name
        tests = re.findall(r"tests/[\w/]+\.py", marks[0])
        dates = re.findall(r"walked by hand on (\d{4}-\d\d-\d\d)", marks[0])
        assert tests or dates, page.name
        for test in tests:
            assert (ROOT / test).is_file(), f"{page.name}: {test}"
        for date in dates:
            datetime.date.fromisoformat(date)
