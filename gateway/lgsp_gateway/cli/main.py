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

EXTRAS = {"lgsp_gateway": "gateway", "lgsp_adapters": "adapters"}
"""The extra of each part of lgsp that has one."""


def main() -> None:
    """Run the command."""
    app = App(name="lgsp", help="The data bus of a province.", version=version("lgsp"))
    # `lgsp contract` comes first: the others add to it what needs an adapter or a bus
    for entry in sorted(entry_points(group="lgsp.commands"), key=lambda entry: entry.name != "contracts"):
        entry.load()(app)
    sys.excepthook = _print_unexpected
    try:
        app()
    except Refusal as refusal:
        err(f"lgsp: {refusal.detail.in_language(language())}\n")
        for found in refusal.violations[1:]:
            err(f"      {found.pointer or '/'}: {found.message.in_language(language())}\n")
        sys.exit(1)
    except ImportError as error:
        missing = missing_extra(error)
        if missing is None:
            raise
        extra, module = missing
        en = f"This command needs lgsp[{extra}], of which {module} is missing: pip install 'lgsp[{extra}]'."
        vi = f"Lệnh này cần lgsp[{extra}], hiện thiếu {module}: hãy chạy pip install 'lgsp[{extra}]'."
        err(f"lgsp: {vi if language() == 'vi' else en}\n")
        sys.exit(1)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        sys.exit(130)


def _print_unexpected(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    """A fault of our own, told as Python does."""
    err("".join(traceback.format_exception(kind, error, frames)))


def missing_extra(error: ImportError) -> tuple[str, str] | None:
    """Return the extra that a command lacks, and the module of it that was missed; None where no part of lgsp missed one.

    The extra is that of the part which imported the module.
    """
    cause: BaseException = error
    while cause.__cause__:  # the command line's library wraps it
        cause = cause.__cause__
    if not isinstance(cause, ModuleNotFoundError) or (cause.name or "").startswith("lgsp"):
        return None
    frames = [
        frame.f_globals.get("__name__", "").partition(".")[0] for frame, _ in traceback.walk_tb(cause.__traceback__)
    ]
    extras = [EXTRAS[name] for name in frames if name in EXTRAS]
    return (extras[-1], cause.name or "") if extras else None


def language() -> Language:
    """The language of the terminal (POSIX: LC_ALL before LC_MESSAGES before LANG)."""
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "vi" if locale.lower().startswith("vi") else "en"
