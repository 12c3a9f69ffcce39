"""What holds for every command of `lgsp`: a line that says what it does, and one environment variable for the state folder."""

from collections.abc import Iterator

import pytest
from cyclopts import App

from lgsp_gateway.cli.main import application
from lgsp_runtime.state_paths import STATE_VARIABLE


def _walk(app: App, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], App]]:
    for name in app:
        if name.startswith("-"):
            continue
        yield (*before, name), app[name]
        yield from _walk(app[name], (*before, name))


COMMANDS = dict(_walk(application()))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_says_in_a_line_what_it_does(path: tuple[str, ...]) -> None:
    line = COMMANDS[path].help.splitlines()[0]
    assert 10 < len(line) < 100
    assert line.endswith((".", ":"))


def test_every_option_for_the_state_folder_reads_one_variable() -> None:
    options = {
        path: argument.parameter.env_var
        for path, command in COMMANDS.items()
        if command.default_command
        for argument in command.assemble_argument_collection()
        if "--state-dir" in argument.names
    }
    assert len(options) > 30
    assert {path for path, variables in options.items() if variables != (STATE_VARIABLE,)} == set()


@pytest.mark.parametrize("path", [path for path, command in COMMANDS.items() if command.default_command], ids=" ".join)
def test_every_parameter_says_what_it_means(path: tuple[str, ...]) -> None:
    arguments = COMMANDS[path].assemble_argument_collection(parse_docstring=True)
    assert [argument.name for argument in arguments if argument.show and not argument.parameter.help] == []
