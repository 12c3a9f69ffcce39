"""The composition root of the `lgsp` command: gathers what each installed package brings and runs one of them.

A refusal anywhere ends here as one sentence on stderr, in the language of the terminal, and exit status 1.
"""

import os
import sys
import traceback
from importlib.metadata import entry_points, version
from types import TracebackType

from cyclopts import App

from lgsp_contracts.cli.terminal import err
from lgsp_problems import Language, Refusal


def main() -> None:
    """Run the command."""
    app = App(name="lgsp", help="The data bus of a province.", version=version("lgsp"))
    # `lgsp contract` comes first: the others add to it what needs an adapter or a bus
    for entry in sorted(entry_points(group="lgsp.commands"), key=lambda entry: entry.name != "contracts"):
        entry.load()(app)
    sys.excepthook = _unforeseen
    try:
        app()
    except Refusal as refusal:
        err(f"lgsp: {refusal.detail.in_language(language())}\n")
        for found in refusal.violations[1:]:
            err(f"      {found.pointer or '/'}: {found.message.in_language(language())}\n")
        sys.exit(1)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        sys.exit(130)


def _unforeseen(kind: type[BaseException], error: BaseException, place: TracebackType | None) -> None:
    """A fault of our own, told as Python does."""
    err("".join(traceback.format_exception(kind, error, place)))


def language() -> Language:
    """The language of the terminal (POSIX: LC_ALL before LC_MESSAGES before LANG)."""
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "vi" if locale.lower().startswith("vi") else "en"
