"""The house keeps its rules: sizes, no addresses of registries, and documents that agree with the code. `./lgsp check` holds style, types and imports."""

import re
import subprocess
from pathlib import Path

import pytest
from support.order import LONGEST
from support.shipped import files_below

from lgsp_problems import CODES
from lgsp_problems.explanations import explanations

ROOT = Path(__file__).parents[1]
MODULES = [
    path for folder in ("gateway", "auth", "contracts", "adapters", "tests") for path in files_below(folder, ".py")
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_small_and_say_why_they_exist(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 500
    assert text.startswith('"""')


def test_no_address_of_a_registry_is_in_the_repository() -> None:
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pattern = re.compile(r"(extra-)?index-url|registry *= *[\"']?http|\"resolved\": \"http|/" + "simple/")
    assert len(files) > 10_000
    for name in filter(None, files.split("\0")):
        assert name != "uv.lock"
        path = ROOT / name
        if path.is_file() and path.name not in ("test_house.py", "CONTRIBUTING.md") and "emit" not in name:
            text = path.read_text(errors="ignore").replace("--no-emit-index-url", "")
            assert not pattern.search(text), name


def test_the_files_that_are_begun_first_exist() -> None:
    assert [name for name in LONGEST if not (ROOT / name).is_file()] == []


def test_every_problem_code_is_documented() -> None:
    page = (ROOT / "docs/reference/problems.md").read_text()
    listed = {code: int(status) for status, code in re.findall(r"^\| (\d{3}) \| `([\w-]+)`", page, re.MULTILINE)}
    assert listed == {code: kind.status for code, kind in CODES.items()}


def test_the_pages_of_problems_say_what_the_documentation_says() -> None:
    page = (ROOT / "docs/reference/problems.md").read_text()
    assert explanations().keys() == CODES.keys()
    for code, when, action in re.findall(r"^\| \d{3} \| `([\w-]+)` \| (.*?) \|(?: (.*?) \|)?$", page, re.MULTILINE):
        assert explanations()[code].when.en == when, code
        assert not action.strip() or explanations()[code].action.en == action, code


def test_the_problem_table_speaks_both_languages() -> None:
    for kind in CODES.values():
        assert kind.title.vi != kind.title.en
        assert kind.title.en.isascii()


def test_each_promise_names_a_test_that_there_is() -> None:
    page = (ROOT / "docs/operate/security.md").read_text()
    named = re.findall(r"`([\w/]+\.py)?(?:::(\w+))?`", page)
    file = ""
    assert len(named) > 40
    for path, function in named:
        file = path or file
        text = (ROOT / "tests" / file).read_text()
        assert not function or f"def {function}(" in text, (file, function)
