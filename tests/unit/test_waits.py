"""No test waits without an end, nor for longer than a few seconds: one that hangs takes the whole run with it, and tells nobody why."""

import ast
import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.shipped import syntax_tree
from support.waits import SECONDS, WORK_SECONDS, eventually, eventually_now, until_set

TESTS = Path(__file__).parents[1]
HELPERS = TESTS / "support" / "waits.py"
FILES = [path for path in sorted(TESTS.rglob("*.py")) if "bench" not in path.parts and path != HELPERS]
"""What measures has its own limit; it runs for as long as it is told to."""


def endless(tree: ast.AST, *, limited: bool = False) -> Iterator[int]:
    """Find the lines of loops that await and stand under no time-out."""
    for node in ast.iter_child_nodes(tree):
        here = limited
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            here = False
        if isinstance(node, ast.AsyncWith):
            here |= any("timeout(" in ast.unparse(item.context_expr) for item in node.items)
        if isinstance(node, ast.While) and not here and any(isinstance(inner, ast.Await) for inner in ast.walk(node)):
            yield node.lineno
        yield from endless(node, limited=here)


def long(tree: ast.AST) -> Iterator[int]:
    """Find the lines of time-outs that are longer than a test waits, but for those of tests that are marked long."""
    marked_long = [
        node for node in ast.walk(tree) if "pytest.mark.long" in map(ast.unparse, getattr(node, "decorator_list", ()))
    ]
    excepted = {inner for node in marked_long for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or node in excepted:
            continue
        name = ast.unparse(node.func) if isinstance(node.func, ast.Attribute) else ""
        limits = [keyword.value for keyword in node.keywords if keyword.arg in ("timeout", "within")]
        if name == "asyncio.timeout":
            limits += node.args
        if name == "asyncio.wait_for":
            limits += node.args[1:]
        for limit in limits:
            if isinstance(limit, ast.Constant) and isinstance(limit.value, (int, float)) and limit.value > SECONDS:
                yield node.lineno


def test_every_wait_has_an_end() -> None:
    found = [f"{path.relative_to(TESTS)}:{line}" for path in FILES for line in endless(syntax_tree(path))]
    assert not found, f"use `eventually` or asyncio.timeout: {found}"


def test_every_wait_ends_soon() -> None:
    found = [f"{path.relative_to(TESTS)}:{line}" for path in FILES for line in long(syntax_tree(path))]
    assert not found, f"wait for no more than {SECONDS:g} seconds: {found}"


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("async def f():\n while x: await y()", [2]),
        ("async def f():\n async with asyncio.timeout(2):\n  while x: await y()", []),
        ("async def f():\n async with asyncio.timeout(2):\n  async def g():\n   while x: await y()", [4]),
        ("def f():\n while x: y()", []),
    ],
)
def test_what_guards_the_loops_sees_them(code: str, lines: list[int]) -> None:
    assert list(endless(ast.parse(code))) == lines


@pytest.mark.parametrize("code", ["asyncio.timeout(21)", "asyncio.wait_for(x, 60)", "run(timeout=30.5)"])
def test_what_guards_the_limits_sees_them(code: str) -> None:
    assert list(long(ast.parse(code))) == [1]
    assert not list(long(ast.parse(f"@pytest.mark.long\ndef test(): {code}")))


async def test_what_holds_after_a_while_is_returned() -> None:
    results = iter([0, 0, 7])

    async def later() -> int:
        return next(results)

    assert await eventually(later) == 7
    results = iter([0, 0, 8])
    assert await eventually(lambda: next(results)) == 8
    results = iter([0, 0, 9])
    assert eventually_now(lambda: next(results)) == 9


async def test_what_never_holds_fails_with_what_was_seen_last() -> None:
    def log() -> str:
        return "the log"

    def never() -> list[int]:
        return []

    expected = re.compile(r"within 0\.05 seconds: .*test_waits\.py:\d+; it was \[\]; the log")
    with pytest.raises(AssertionError, match=expected):
        await eventually(never, within=0.05, seen=log)
    with pytest.raises(AssertionError, match=expected):
        eventually_now(never, within=0.05, seen=log)


async def test_load_ends_with_its_event_or_fails() -> None:
    stop = asyncio.Event()
    for number, _ in enumerate(until_set(stop)):
        if number == 3:
            stop.set()
    assert number == 3
    with pytest.raises(AssertionError, match="nobody ended the load"):
        list(until_set(asyncio.Event(), within=0.01))
    assert WORK_SECONDS > SECONDS
