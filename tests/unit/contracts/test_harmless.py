"""What others wrote is shown harmlessly, by every command."""

import ast
import json
import re
import unicodedata
from pathlib import Path

import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from lgsp_contracts.cli import terminal
from lgsp_gateway.cli import tables
from lgsp_problems import harmless, is_harmful, on_one_line

ROOT = Path(__file__).parents[3]
ATTACKS = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\u2066\r\x08\x7f\u2028"
WRITE_THEMSELVES = {
    "contracts/lgsp_contracts/cli/terminal.py",
    "gateway/lgsp_runtime/process.py",  # READY, of its own words
    "gateway/lgsp_gateway/cli/tables.py",  # by rich, from harmless cells
    "gateway/lgsp_gateway/cli/bench_commands.py",  # by rich, of its own numbers
}
WRITES = re.compile(r"print|Console|sys\.(stdout|stderr)\.(write|writelines|buffer\.write)")


def _dotted(node: ast.expr) -> str:
    """The dotted name that an expression is, or nothing."""
    if isinstance(node, ast.Attribute) and (owner := _dotted(node.value)):
        return f"{owner}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@given(st.text())
@example(ATTACKS)
def test_nothing_is_left_that_steers(text: str) -> None:
    for shown in (harmless(text), on_one_line(text)):
        left = {unicodedata.category(one) for one in shown.replace("\r\n", "").replace("\n", "").replace("\t", "")}
        assert not left & {"Cc", "Cs", "Zl", "Zp"}
        assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
        assert not is_harmful(shown)
    assert not set(on_one_line(text)) & set("\r\n\t")


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example(ATTACKS)
@example("\\\u202e")
def test_json_and_yaml_say_the_same_when_they_were_made_harmless(text: str) -> None:
    assert json.loads(harmless(json.dumps({text: text}, ensure_ascii=False))) == {text: text}
    assert yaml.safe_load(harmless(terminal.as_yaml([{"title": text, "k" + text: [text]}]))) == {
        "title": text,
        "k" + text: [text],
    }


def test_vietnamese_is_shown_as_it_is() -> None:
    for text in ("Ủy ban nhân dân tỉnh Quảng Ninh", "Nguye\u0302\u0303n", "dòng 1\n\tdòng 2\r\n", "→ € 😀"):
        assert harmless(text) == text


def test_a_cell_is_no_markup_and_one_line(capsys: object) -> None:
    with Console().capture() as _:
        pass
    tables.show(["TITLE"], [["[red]x[/red] [/oops] :smile:\nevil-row" + ATTACKS]])
    shown = capsys.readouterr().out  # type: ignore[attr-defined]
    assert "[red]x[/red] [/oops] :smile:\\u000aevil-row\\u001b]0;owned\\u0007" in shown
    assert len(shown.splitlines()) == 2
    assert not is_harmful(shown)


def test_every_command_writes_by_one_way() -> None:
    """No `print`, no `sys.stdout` and no `sys.stderr` but where they are made harmless."""
    found = set()
    for package in ("gateway", "adapters", "contracts", "auth"):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and WRITES.fullmatch(_dotted(node.func)):
                    found.add(str(file.relative_to(ROOT)))
    assert found <= WRITE_THEMSELVES
