"""Errors are told apart by their types and keep their causes, in every module.

A text is for people: whoever words it better must not change what a program does.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support.shipped import files_below, syntax_tree

import lgsp_problems
from lgsp_problems import CODES, NotFound, Refusal, TypedRefusal, refusal_with_code

ROOT = Path(__file__).parents[2]
MODULES = [
    path.relative_to(ROOT)
    for folder in ("gateway", "auth", "contracts", "adapters", "examples")
    for path in files_below(folder, ".py")
]
TYPED = {one.CODE: one.__name__ for one in TypedRefusal.__subclasses__()}
ERRORS = ("Refusal", "Error", "Exception")
TEXT_ATTRIBUTES = ("args", "code", "detail", "private", "strerror", "message")
TEXTS_READ = {
    "gateway/lgsp_runtime/nats/server_errors.py": "nats-py reports what the server says before a connection as text alone",
    "adapters/lgsp_adapters/conformance/suite.py": "an adapter declares an error by its code, which the contract has or has not",
    "adapters/lgsp_adapters/connectors/files/inbox_index.py": "a reason is logged once, until another one comes",
    "adapters/lgsp_adapters/host/row_importer.py": "a reason is logged once, until another one comes",
    "adapters/lgsp_adapters/connectors/sql/sqlstate.py": "ODBC gives SQL Server's number within its text alone",
}
"""The modules that look at such a text all the same, and why."""


@cache
def parsed(path: Path) -> tuple[ast.Module, list[str]]:
    """A module of ours, and its lines."""
    return syntax_tree(ROOT / path), (ROOT / path).read_text(encoding="utf-8").splitlines()


def of_modules(of: str) -> Iterator[tuple[Path, ast.AST, list[str]]]:
    for path in MODULES:
        tree, lines = parsed(path)
        for node in ast.walk(tree):
            if type(node).__name__ == of:
                yield path, node, lines


def raises_in(body: list[ast.stmt]) -> Iterator[ast.Raise]:
    """The raises of a handler that run while its error is handled; a function that is only defined there runs later."""
    for statement in body:
        if isinstance(statement, ast.Raise):
            yield statement
        elif not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for field in ("body", "orelse", "finalbody"):
                yield from raises_in(getattr(statement, field, []))
            for case in getattr(statement, "cases", []):
                yield from raises_in(case.body)


def causeless(handler: ast.ExceptHandler, lines: list[str]) -> Iterator[int]:
    """The lines of a handler that raise another error without a cause, and no comment says why."""
    for node in raises_in(handler.body):
        suppressed = isinstance(node.cause, ast.Constant) and node.cause.value is None
        same = isinstance(node.exc, ast.Name) and node.exc.id == handler.name
        if node.exc and not same and (node.cause is None or suppressed):
            commented = any("# " in lines[number - 1] for number in range(node.lineno - 1, (node.end_lineno or 0) + 1))
            if not commented:
                yield node.lineno


def test_whatever_is_raised_in_a_handler_names_its_cause() -> None:
    found = [
        f"{path}:{line}"
        for path, handler, lines in of_modules("ExceptHandler")
        if isinstance(handler, ast.ExceptHandler)
        for line in causeless(handler, lines)
    ]
    assert not found, "raise … from error; or a comment that says why not"


def test_a_raise_without_a_cause_is_found() -> None:
    source = "try:\n    pass\nexcept KeyError as error:\n    if error:\n        raise ValueError\n    raise error\n"
    [handler] = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ExceptHandler)]
    assert list(causeless(handler, source.splitlines())) == [5]


def caught(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The names of caught errors and of refusals, and where each is in force."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name, node
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for argument in (*node.args.args, *node.args.kwonlyargs):
                written = ast.unparse(argument.annotation) if argument.annotation else ""
                if argument.arg in ("error", "refusal") or any(word in written for word in ERRORS):
                    yield argument.arg, node


def reads_text(node: ast.AST, name: str) -> bool:
    """Whether an expression is made of the text of an error: `str(error)`, `error.args`, `error.code`, `error.detail`."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and ast.unparse(part.func) in ("str", "repr"):
            if any(isinstance(given, ast.Name) and given.id == name for given in part.args):
                return True
        elif isinstance(part, ast.Attribute) and ast.unparse(part.value) == name and part.attr in TEXT_ATTRIBUTES:
            return True
    return False


def branches_on_text(tree: ast.AST) -> Iterator[int]:
    """The lines that compare or search the text or the code of an error."""
    for name, scope in caught(tree):
        for node in ast.walk(scope):
            compared = (
                isinstance(node, ast.Compare)
                and any(reads_text(side, name) for side in (node.left, *node.comparators))
                and not any(isinstance(side, ast.Constant) and type(side.value) is int for side in node.comparators)
            )  # a number is no text, as that of an HTTP status
            searched = (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("startswith", "endswith", "match", "search", "fullmatch", "find", "count")
                and any(reads_text(side, name) for side in (node.func.value, *node.args))
            )
            if compared or searched:
                yield node.lineno


def test_nothing_branches_on_the_text_or_the_code_of_an_error() -> None:
    found = [
        f"{path}:{line}"
        for path in MODULES
        if str(path) not in TEXTS_READ
        for line in branches_on_text(parsed(path)[0])
    ]
    assert not found, "give the case a type; or turn a library's text into one in a module of TEXTS_READ"


@pytest.mark.parametrize(
    "condition",
    ["refusal.code == 'x'", "refusal.code in CODES", "'x' in str(refusal).lower()", "str(refusal).startswith('x')"],
)
def test_branching_on_text_is_found(condition: str) -> None:
    handler = f"try:\n    pass\nexcept Refusal as refusal:\n    if {condition}:\n        pass\n"
    assert list(branches_on_text(ast.parse(handler))) == [4]
    function = f"def look(refusal: Refusal) -> bool:\n    return {condition}\n"
    assert list(branches_on_text(ast.parse(function))) == [2]


@pytest.mark.parametrize("path", TEXTS_READ)
def test_the_modules_that_read_texts_do_so(path: str) -> None:
    assert list(branches_on_text(ast.parse((ROOT / path).read_text(encoding="utf-8"))))


def test_a_code_with_a_type_is_raised_by_its_type() -> None:
    """Or an `except` of the type would miss some of them."""
    found = [
        f"{path}:{node.lineno} {TYPED[str(node.args[0].value)]}"
        for path, node, _ in of_modules("Call")
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "Refusal"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value in TYPED
    ]
    assert not found


@pytest.mark.parametrize("code", CODES)
def test_a_code_from_elsewhere_becomes_its_type(code: str) -> None:
    refusal = refusal_with_code(code, vi="Không.", en="No.")
    assert refusal.code == code
    assert type(refusal).__name__ == TYPED.get(code, "Refusal")
    assert TYPED.get(code, "Refusal") in lgsp_problems.__all__


def test_an_unknown_code_from_elsewhere_is_an_internal_error() -> None:
    assert refusal_with_code("of-tomorrow", vi="Không.", en="No.").code == "internal-error"


def test_typed_refusals_are_of_the_family() -> None:
    refusal = NotFound(vi="Không có.", en="There is none.")
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.kind) == ("not-found", CODES["not-found"])
