"""The reference of the command line is written from the commands themselves; `python tests/unit/gateway/test_cli_page.py` writes it."""

from pathlib import Path

from lgsp_gateway.cli.main import application

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/reference/cli.md"
HEAD = """\
# The command line

Written by `python tests/unit/gateway/test_cli_page.py` from the commands themselves. `lgsp COMMAND --help` shows the same. An option with `[env: …]` is also
read from that environment variable. Exit status: 0; 1 after a refusal, with the reason on stderr; 70 after an unexpected error; 130 after Ctrl-C. Messages are in
Vietnamese if the locale (`LC_ALL`, `LC_MESSAGES`, `LANG`) is, otherwise in English.

"""


def page() -> str:
    generated = application().generate_docs(heading_level=2)
    commands = generated[generated.index("**Commands**") :]  # without the title, and a table of contents of 100 lines
    return HEAD + commands.rstrip() + "\n"


def test_the_page_is_written_from_the_commands() -> None:
    assert PAGE.read_text() == page(), f"run python {Path(__file__).relative_to(ROOT)}"


if __name__ == "__main__":
    PAGE.write_text(page())
