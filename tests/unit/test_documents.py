"""What the documents name exists: links, files, commands, flags, environment variables, metrics, log events, decisions."""

import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

from cyclopts import App

ROOT = Path(__file__).parents[2]
FILES = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
PAGES = [ROOT / name for name in FILES if name.endswith(".md") and (ROOT / name).is_file()]
GUIDES = [page for page in PAGES if page.name not in ("CHANGELOG.md", "upgrade.md")]
"""What speaks of today alone: a changelog and the notes on an upgrade name what is gone, too."""
SOURCES = "\n".join(
    (ROOT / name).read_text(errors="ignore")
    for name in FILES
    if Path(name).suffix in {".py", ".mjs", ".yaml", ".yml", ".service"} or name == "lgsp"
    if (ROOT / name).is_file()
)
WRAPPER = {"test", "check", "bench run", "bench faults"}
"""Commands of the script `./lgsp` alone."""


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_to_a_file_and_a_heading() -> None:
    seen = 0
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", page.read_text()):
            if "://" in target:
                continue
            seen += 1
            led = (page.parent / target).resolve() if target else page
            assert led.exists(), f"{page.relative_to(ROOT)}: {target}"
            if anchor and led.suffix == ".md":
                assert anchor in _anchors(led), f"{page.relative_to(ROOT)}: {target}#{anchor}"
    assert seen > 100


def test_python_files_that_are_named_exist() -> None:
    named = _named(r"`([\w./-]+\.(?:py|mjs))(?:::\w+)?`")
    for page, name in named:
        assert any(f"/{file}".endswith(f"/{name}") for file in FILES), f"{page.relative_to(ROOT)}: {name}"


def _named(pattern: str) -> list[tuple[Path, str]]:
    """What the guides name, and where: never nothing."""
    named = [(page, name) for page in GUIDES for name in re.findall(pattern, page.read_text())]
    assert len(named) > 20, pattern
    return named


def _commands(page: Path) -> Iterator[str]:
    """Each `lgsp …` of a page, from code in a line and from code blocks."""
    text = page.read_text()
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", text, re.DOTALL)
    inline = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    for line in [*inline, *"\n".join(blocks).replace("\\\n", " ").splitlines()]:
        yield from re.findall(r"(?:^|[\s(`|;&])(?:\./)?lgsp ([a-z][^`#;|()&]*(?:\|[a-z-]+)*[^`#;()&]*)", line)


def _application() -> App:
    app = App(name="lgsp")
    for entry in sorted(entry_points(group="lgsp.commands"), key=lambda entry: entry.name != "contracts"):
        entry.load()(app)
    return app


def test_commands_and_flags_that_are_named_exist() -> None:
    top, seen = _application(), 0
    parameters: dict[tuple[str, ...], set[str]] = {}
    for page in GUIDES:
        for command in _commands(page):
            said = f"{page.relative_to(ROOT)}: lgsp {command}"
            words = command.split()
            if words[0] in WRAPPER or " ".join(words[:2]) in WRAPPER:
                continue
            app, path = top, ()
            while words and app.default_command is None:
                choices = [word for word in re.split(r"[|,]", words[0]) if word]
                assert all(choice in list(app) for choice in choices), said
                app = app[choices[0]]
                words.pop(0)
                path = (*path, choices[0])
            if path not in parameters:
                parameters[path] = {name for argument in app.assemble_argument_collection() for name in argument.names}
            if app.default_command is not None:
                flags = re.findall(r"(?<=[\s\[])--[a-z][\w-]*", " " + " ".join(words))
                assert set(flags) <= parameters[path] | {"--help"}, (said, set(flags) - parameters[path])
            seen += 1
    assert seen > 80


def test_environment_variables_that_are_named_exist() -> None:
    settings = _application()["gateway"]["run"].assemble_argument_collection()
    known = {"LGSP_GW_" + name[2:].upper().replace("-", "_") for one in settings for name in one.names}
    known |= set(re.findall(r"\bLGSP_\w+", SOURCES))
    for page, name in _named(r"\bLGSP_[A-Z_]+\b"):
        assert name in known, f"{page.relative_to(ROOT)}: {name}"


def test_metrics_that_are_named_exist() -> None:
    for page, name in _named(r"`(lgsp_[a-z_]+)[`{]"):
        exported = f'"{name}"' in SOURCES or f'"{name.removesuffix("_total").removesuffix("_info")}"' in SOURCES
        assert exported or any(f"/{name}/" in f"/{file}" for file in FILES), f"{page.relative_to(ROOT)}: {name}"


def _built(event: str) -> bool:
    """Is the event written in two parts: `inbox file {held}`?"""
    start, _, last = event.rpartition(" ")
    return f'f"{start} {{' in SOURCES and f'"{last}"' in SOURCES


def test_log_events_that_are_listed_exist() -> None:
    page = (ROOT / "docs/operate/watch-the-bus.md").read_text()
    rows = page.split("| event | level | meaning |")[1].split("## ")[0].splitlines()
    events = [event for row in rows for event in re.findall(r"`([^`]+)`", row.split("|")[1] if "|" in row else "")]
    assert len(events) > 30
    assert [event for event in events if f'"{event}"' not in SOURCES and not _built(event)] == []


def test_each_decision_has_a_number_of_its_own_and_stands_in_the_index() -> None:
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text()
    numbers = []
    for page in sorted(folder.glob("[0-9]*.md")):
        number = int(page.name[:3])
        numbers.append(number)
        assert re.match(rf"# 0*{number}[.:] ", page.read_text()), page.name
        assert f"[{number}]({page.name})" in index, page.name
    assert len(numbers) == len(set(numbers))
    named = {int(number) for number in re.findall(r"docs/decisions/(\d{3})", SOURCES)}
    assert named <= set(numbers)


def test_each_page_stands_in_the_index_of_the_documents() -> None:
    index = (ROOT / "docs/README.md").read_text()
    pages = list((ROOT / "docs").rglob("*.md"))
    assert len(pages) > 20
    for page in pages:
        name = str(page.relative_to(ROOT / "docs"))
        assert name.startswith("decisions/") or name == "README.md" or f"({name})" in index, name
