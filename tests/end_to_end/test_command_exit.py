"""How the `lgsp` command ends when nobody expected it to: what it prints, and its exit status.

The commands that fail come from a package of their own, as any package may add commands to `lgsp`.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

PERSON = "022093001234"
COMMANDS = f'''"""Commands that end in various ways."""

import sys
import time


def look_up(number):
    raise LookupError(f"Nguyễn {{number}}")


def fail():
    try:
        look_up("{PERSON}")
    except LookupError as error:
        raise KeyError("{PERSON}") from error


def hang():
    print("begun", flush=True)
    time.sleep(600)


def write():
    while True:
        sys.stdout.write("x" * 1000 + "\\n")
        sys.stdout.flush()


def add_commands(app):
    for command in (fail, hang, write):
        app.command(command)
'''


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "ending_commands.py").write_text(COMMANDS)
    metadata = tmp_path / "ending_commands-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: ending-commands\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[lgsp.commands]\nending = ending_commands:add_commands\n")
    return tmp_path


async def begun(package: Path, command: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lgsp_gateway", command),
        env={**os.environ, "PYTHONPATH": str(package), "LC_ALL": "C.UTF-8", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=_as_from_a_terminal,
    )


def _as_from_a_terminal() -> None:
    """Let Ctrl-C end the process: what a shell starts in its background, such as this run of the tests, ignores it, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str]:
    async with asyncio.timeout(20):
        _, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, err.decode()


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [("C.UTF-8", "lgsp: An unexpected error (KeyError)"), ("vi_VN.UTF-8", "lgsp: Lỗi ngoài dự kiến (KeyError)")],
)
async def test_an_unexpected_error_is_a_sentence_and_frames(package: Path, locale: str, sentence: str) -> None:
    code, err = await ended(await begun(package, "fail", LC_ALL=locale))
    first, *lines = err.splitlines()
    assert code == 70
    assert first.startswith(sentence)
    assert "LGSP_DEBUG=1" in first
    assert [line.strip() for line in lines if ":" not in line] == ["KeyError", "LookupError"]
    file, function = COMMANDS.splitlines(), "look_up"
    raised = next(number for number, line in enumerate(file, 1) if "raise LookupError" in line)
    assert lines[-1].strip().endswith(f"ending_commands.py:{raised} {function}")
    assert PERSON not in err
    assert "Nguyễn" not in err


async def test_the_whole_traceback_is_there_for_who_asks(package: Path) -> None:
    code, err = await ended(await begun(package, "fail", LGSP_DEBUG="1"))
    assert code == 70
    assert "Traceback" in err
    assert PERSON in err


async def test_ctrl_c_ends_a_command_without_a_word(package: Path) -> None:
    process = await begun(package, "hang")
    assert process.stdout
    assert await asyncio.wait_for(process.stdout.readline(), 20) == b"begun\n"
    process.send_signal(signal.SIGINT)
    assert await ended(process) == (130, "")


async def test_a_reader_that_has_seen_enough_is_no_error(package: Path) -> None:
    reader, writer = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lgsp_gateway", "write"),
        env={**os.environ, "PYTHONPATH": str(package)},
        stdout=writer,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(writer)
    assert await asyncio.to_thread(os.read, reader, 10)
    os.close(reader)
    assert await ended(process) == (0, "")
