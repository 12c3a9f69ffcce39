"""The composition root of the `lgsp` command: gathers what each installed package brings and runs one of them.

A refusal anywhere ends here as one sentence on stderr, in the language of the terminal, and exit status 1. An error that nobody
expected ends here as one sentence and the file, line and function of each of its frames, and exit status 70.
"""

import os
import sys
import traceback
from importlib.metadata import entry_points, version
from pathlib import Path

from cyclopts import App, Parameter

from lgsp_contracts.cli.terminal import err, language
from lgsp_problems import Refusal, Text
from lgsp_runtime import authorities
from lgsp_runtime.error_frames import frames

EXTRAS = {"lgsp_gateway": "gateway", "lgsp_adapters": "adapters"}
"""The extra of each part of lgsp that has one."""


EXIT_REFUSED = 1
"""Exit status of a command that was refused, with the reason on stderr."""

EXIT_UNEXPECTED = 70
"""Exit status after an error that nobody expected: EX_SOFTWARE of sysexits.h, so that scripts tell it from a refusal."""

EXIT_INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and the number of SIGINT, as shells have it."""

DEBUG_VARIABLE = "LGSP_DEBUG"
"""Environment variable that has the whole traceback of an unexpected error printed, whose texts may quote data."""


def main() -> None:
    """Run the command of this process, and exit as it ended."""
    try:
        arguments, trusted = authorities.take_option(sys.argv[1:])
        if trusted:  # before a command imports what reads them
            authorities.trust(Path(trusted))
        application()(arguments)
    except Refusal as refusal:
        sentence = refusal.detail.in_language(language())
        err(f"lgsp: {sentence}\n")
        for violation in refusal.violations:
            message = violation.message.in_language(language())
            if message not in sentence:  # many sentences name the first violation
                err(f"      {violation.pointer or '/'}: {message}\n")
        sys.exit(EXIT_REFUSED)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        extra = missing_extra(error) if isinstance(error, ImportError) else None
        if extra:
            _print_missing_extra(*extra)
            sys.exit(EXIT_REFUSED)
        _print_unexpected(error)
        sys.exit(EXIT_UNEXPECTED)


def application() -> App:
    """Return the command with the subcommands of each installed package."""
    app = App(
        name="lgsp",
        help="The data bus of a province.",
        help_epilogue=f"Each command takes `{authorities.OPTION} FILE` (or `{authorities.VARIABLE}`): certificate authorities (PEM) to trust for every"
        " connection, beside those of the machine.",
        version=version("lgsp"),
        default_parameter=Parameter(show_default=lambda value: value or None),  # an empty default says nothing
    )
    # `lgsp contract` comes first: the others add to it what needs an adapter or a bus
    for entry in sorted(entry_points(group="lgsp.commands"), key=lambda entry: entry.name != "contracts"):
        entry.load()(app)
    return app


def _print_missing_extra(extra: str, module: str) -> None:
    words = Text(
        f"Lệnh này cần lgsp[{extra}], hiện thiếu {module}: hãy chạy pip install 'lgsp[{extra}]'.",
        f"This command needs lgsp[{extra}], of which {module} is missing: pip install 'lgsp[{extra}]'.",
    )
    err(f"lgsp: {words.in_language(language())}\n")


def _print_unexpected(error: Exception) -> None:
    """Print what failed and where, without the texts of the errors: they may quote a document.

    With `LGSP_DEBUG` the whole traceback is printed instead.
    """
    if os.environ.get(DEBUG_VARIABLE):
        err("".join(traceback.format_exception(error)))
        return
    kind = type(error).__name__
    words = Text(
        f"Lỗi ngoài dự kiến ({kind}) của chính lgsp; hãy báo các dòng dưới đây (không chứa dữ liệu) cho nhóm phát triển lgsp,"
        f" hoặc đặt {DEBUG_VARIABLE}=1 để xem toàn bộ traceback.",
        f"An unexpected error ({kind}) of lgsp itself; report the lines below, which hold no data, to the developers of lgsp,"
        f" or set {DEBUG_VARIABLE}=1 to see the whole traceback.",
    )
    err(f"lgsp: {words.in_language(language())}\n")
    err("".join(f"      {line}\n" for line in frames(error)))


def missing_extra(error: ImportError) -> tuple[str, str] | None:
    """Return the extra that a command lacks, and the module of it that was missed; None where no part of lgsp missed one.

    The extra is that of the part which imported the module.
    """
    cause: BaseException = error
    while cause.__cause__:  # the command line's library wraps it
        cause = cause.__cause__
    if not isinstance(cause, ModuleNotFoundError) or (cause.name or "").startswith("lgsp"):
        return None
    packages = [
        frame.f_globals.get("__name__", "").partition(".")[0] for frame, _ in traceback.walk_tb(cause.__traceback__)
    ]
    extras = [EXTRAS[name] for name in packages if name in EXTRAS]
    return (extras[-1], cause.name or "") if extras else None
