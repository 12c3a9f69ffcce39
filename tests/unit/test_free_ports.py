"""Ports of the tests: two processes that ask at the same time are never given the same one, or the second server does not start."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from support.order import LONGEST
from support.processes import ROOT, free_port

MANY = 300
ASKING = f"""
import sys
from support.processes import free_port
print(*(free_port() for _ in range({MANY})), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def others() -> Iterator[list[set[int]]]:
    """What two other processes were given, which live on."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ASKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT / "tests"
        )
        for _ in range(2)
    ]
    given = []
    for process in processes:
        assert process.stdout
        given.append(set(map(int, process.stdout.readline().split())))
    yield given
    for process in processes:
        process.communicate()


def test_no_port_is_given_twice(others: list[set[int]]) -> None:
    mine = {free_port() for _ in range(MANY)}
    assert [len(ports) for ports in (mine, *others)] == [MANY, MANY, MANY]
    assert not mine & others[0]
    assert not mine & others[1]
    assert not others[0] & others[1]


def test_the_files_that_are_begun_first_are_there() -> None:
    assert [file for file in LONGEST if not (ROOT / file).is_file()] == []
    assert len(LONGEST) == len(set(LONGEST))
