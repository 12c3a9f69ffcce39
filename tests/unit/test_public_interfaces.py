"""No private name of a library is used: none is read, none is imported, none is overridden.

A leading underscore says that a name may change with any release. What a module of ours defines itself it may call what it likes.
"""

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree
from support.shipped import files_below, syntax_tree

from lgsp_adapters.mapping.xml_element import XmlElement

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "lgsp_gateway": ROOT / "gateway",
    "lgsp_runtime": ROOT / "gateway",
    "lgsp_auth": ROOT / "auth",
    "lgsp_contracts": ROOT / "contracts",
    "lgsp_problems": ROOT / "contracts",
    "lgsp_adapters": ROOT / "adapters",
}
MODULES = [
    path.relative_to(ROOT)
    for folder in ("gateway", "auth", "contracts", "adapters", "tests", "examples")
    for path in files_below(folder, ".py")
]

DOCUMENTED = {"_replace", "_asdict", "_make", "_fields", "_exit"}
"""Names of the standard library that begin so and are promised: of named tuples, and of `os`."""

DOCUMENTED_PREFIX = "_func_"
"""So JMESPath has its users name the functions that they add."""

ALLOWED = {
    (
        "from lxml.etree import _Element as XmlElement",
        "adapters/lgsp_adapters/mapping/xml_element.py",
    ): "the only name that lxml's type hints have for an element; for the type checker alone",
}
"""Each use that stays: what is used, in which module, and why (docs/decisions/027)."""


def is_private(name: str) -> bool:
    return name.startswith("_") and name != "_" and not (name.startswith("__") and name.endswith("__"))


class Names(ast.NodeVisitor):
    """The private names that a module defines, and those that it uses."""

    def __init__(self) -> None:
        self.defined: set[str] = set()
        self.of_class: dict[str, set[str]] = {}
        self.bases: dict[str, list[str]] = {}
        self.used: list[tuple[str, str, str]] = []
        self._class = ""

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        outer, self._class = self._class, node.name
        self.bases[node.name] = [ast.unparse(base).rpartition(".")[2].partition("[")[0] for base in node.bases]
        self.of_class.setdefault(node.name, set())
        self._define(node.name)
        self.generic_visit(node)
        self._class = outer

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._define(node.name)
        self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._define(node.name)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self._define(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        if own and isinstance(node.ctx, ast.Store):
            self._define(node.attr)
        elif is_private(node.attr):
            self.used.append((self._class if own else "", node.attr, ast.unparse(node)))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr", "setattr", "delattr"):
            name = node.args[1] if len(node.args) > 1 else None
            if isinstance(name, ast.Constant) and is_private(str(name.value)):
                self.used.append(("", str(name.value), ast.unparse(node)))
        self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for part in [*(node.module or "").split("."), *(alias.name for alias in node.names)]:
            if is_private(part):
                self.used.append(("", part, ast.unparse(node)))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if any(map(is_private, alias.name.split("."))):
                self.used.append(("", alias.name, ast.unparse(node)))

    def _define(self, name: str) -> None:
        self.defined.add(name)
        if self._class:
            self.of_class[self._class].add(name)


def names_in(tree: ast.Module) -> Names:
    names = Names()
    names.visit(tree)
    return names


class Sources:
    """All modules of ours: what each defines and uses, and their classes."""

    def __init__(self) -> None:
        self.modules = {str(path): names_in(syntax_tree(ROOT / path)) for path in MODULES}
        self.defined_in_packages: set[str] = set()
        self._members: dict[str, set[str]] = {}
        self._bases: dict[str, set[str]] = {}
        for path, names in self.modules.items():
            if not path.startswith(("tests", "examples")):
                self.defined_in_packages |= names.defined
            for name, found in names.of_class.items():
                self._members.setdefault(name, set()).update(found)
                self._bases.setdefault(name, set()).update(names.bases[name])

    def members(self, name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        """What a class of ours and those of ours that it is made from define."""
        if name in seen or name not in self._members:
            return set()
        return self._members[name].union(*(self.members(base, seen | {name}) for base in self._bases[name]))

    def of_libraries(self, path: str, names: Names) -> Iterator[str]:
        """The private names that a module uses and that none of ours defines."""
        for owner, name, written in names.used:
            known = self.members(owner) if owner else names.defined
            if path.startswith("tests"):  # a test may look into what it tests
                known = known | self.defined_in_packages
            if name not in known | DOCUMENTED and (written, path) not in ALLOWED:
                yield written


@pytest.fixture(scope="module")
def sources() -> Sources:
    """Read here, not as the module is imported: that is done by each process of a run."""
    return Sources()


def test_no_module_uses_a_private_name_of_a_library(sources: Sources) -> None:
    assert {
        path: used for path, names in sources.modules.items() if (used := list(sources.of_libraries(path, names)))
    } == {}


def test_each_exception_is_in_use(sources: Sources) -> None:
    used = {(written, path) for path, names in sources.modules.items() for _, _, written in names.used}
    assert used >= ALLOWED.keys()


def test_the_type_of_elements_is_that_of_any_element() -> None:
    """Without its private name where programs run."""
    assert type(etree.fromstring("<a><b/></a>")[0]) is XmlElement


@pytest.mark.parametrize(
    "source",
    [
        "import nats._private",
        "from nats import _private",
        "from nats._private import x",
        "def f(client): return client._transport",
        "def f(client): client._error_cb = None",
        "def f(client): return getattr(client, '_io_writer', None)",
        "class Client(Base):\n    def f(self): return self._max_payload",
    ],
)
def test_this_finds_private_names(source: str, sources: Sources) -> None:
    assert list(sources.of_libraries("x.py", names_in(ast.parse(source)))) != []


def test_no_private_method_of_a_library_is_overridden(sources: Sources) -> None:
    """Whether a library's class has it is seen by importing all modules."""
    overridden = []
    for path, names in sources.modules.items():
        package = next((name for name in PACKAGES if f"/{name}/" in path), "")
        if not package or path.endswith("__main__.py"):
            continue
        module = ".".join(Path(path[path.index(package) :]).with_suffix("").parts).removesuffix(".__init__")
        found = importlib.import_module(module)
        for kind in vars(found).values():
            if inspect.isclass(kind) and kind.__module__ == module:
                overridden += [f"{module}.{kind.__name__}.{name}" for name in _overriding(kind, names)]
    assert overridden == []


def _overriding(kind: type, names: Names) -> Iterator[str]:
    foreign = [base for base in kind.__mro__[1:] if base.__module__.partition(".")[0] not in PACKAGES]
    libraries = [base for base in foreign if base.__module__.partition(".")[0] not in sys.stdlib_module_names]
    for name in names.of_class.get(kind.__name__, ()):
        documented = name.startswith(DOCUMENTED_PREFIX)
        if is_private(name) and not documented and any(name in vars(base) for base in libraries):
            yield name
