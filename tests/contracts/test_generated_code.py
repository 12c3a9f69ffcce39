"""What is generated from a contract says what the contract says, and does nothing else: no text of it becomes code."""

import ast
import json
import re
import shlex
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lgsp_adapters.scaffolding.manifests import manifest
from lgsp_contracts.cli import terminal
from lgsp_contracts.contract import Contract
from lgsp_contracts.tooling.asyncapi import asyncapi
from lgsp_contracts.tooling.openapi import openapi
from lgsp_contracts.tooling.pages.examples import examples
from lgsp_contracts.tooling.pages.page import catalogue, service
from lgsp_contracts.tooling.sdk_python import module
from lgsp_problems import harmless, is_harmful

ATTACKS = [
    'x"""\n__import__("os").system("touch PWNED")\n"""',
    '\\"""\n__import__("os").system("x")\n',
    "'); DROP TABLE x; --",
    "\\",
    '"',
    "'",
    "\\u0022 + x() + \\u0022",
    "\u2028__import__('os')\u2029\x85\x0c\x1b\u202e",
    "{evil} {self} {0} %s ${x} `id` $(id) {{ 7*7 }} {% raw %}",
    "<script>alert(1)</script>",
    "</pre><img src=x onerror=alert(1)>",
    "*/ evil(); /* <?php evil(); ?>",
    "# \n- evil: true\n...\n---\n",
    "__class__",
    "__x",
    "class",
    "ﬁ",
    "a b",
    "__proto__",
    "A-b",
    "A_b",
]
TEXT = st.one_of(st.sampled_from(ATTACKS), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
VALUES = st.one_of(
    TEXT, st.integers(-(2**53), 2**53), st.booleans(), st.none(), st.floats(-1e9, 1e9), st.just([]), st.just({"a": 1})
)
DEFINED = "a'b;c()"
ALLOWED_CALLS = {
    *(
        "TypedDict",
        "Callable",
        "url.rstrip",
        "json.dumps",
        "json.load",
        "str",
        "document.get",
        "super",
        "super().__init__",
    ),
    *(
        "self._token",
        "self._call",
        "cast",
        "Problem",
        "urllib.request.Request",
        "urllib.request.urlopen",
        "threading.local",
        "str(document.get('instance', '')).removeprefix",
        "getattr",
        "response.headers.get",
        "json.dumps(document).encode",
    ),
}


def contract_of(texts: list[str], fields: list[str], values: list[Any], reserved: str = "fuzzed") -> Contract:
    def text(number: int) -> str:
        return texts[number % len(texts)]

    properties: dict[str, Any] = {
        field: {"enum": values, "title": text(number), "description": text(number + 1)}
        for number, field in enumerate(fields)
    }
    properties[text(0) + "$"] = {"$ref": f"#/$defs/{DEFINED}"}
    nested = {
        "type": "object",
        "properties": {field: {"type": "object", "properties": {text(2): {"type": "string"}}} for field in fields},
    }
    schema = {
        "type": "object",
        "description": text(3),
        "properties": properties
        | {"long" + text(1): nested, "many": {"anyOf": [nested, {"type": "array", "items": nested}]}},
        "$defs": {DEFINED: nested},
    }
    example_ = {"free" + text(0): {text(1): text(2), "values": values}}
    return Contract.from_document(
        {
            "service": reserved,
            "version": "1.0.0",
            "provider": "somebody",
            "classification": "internal",
            "title": {"vi": text(0), "en": text(1)},
            "description": {"vi": text(2), "en": text(3)},
            "operations": {
                "class": {
                    "title": {"vi": text(1), "en": text(2)},
                    "description": {"vi": text(2), "en": text(0)},
                    "request": schema,
                    "response": schema,
                    "errors": {"none-there": {"status": 404, "title": {"vi": text(0), "en": text(3)}}},
                    "example": {"request": example_, "response": example_},
                }
            },
        }
    )


CONTRACTS = st.builds(
    contract_of,
    st.lists(TEXT, min_size=1, max_size=4),
    st.lists(TEXT, min_size=1, max_size=4, unique=True),
    st.lists(VALUES, min_size=1, max_size=3),
    st.sampled_from(["fuzzed", "problem", "any", "typed-dict", "none", "callable"]),
)
EVERYTHING = contract_of(ATTACKS[:4], ATTACKS, ATTACKS)
FUZZED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FUZZED
@given(CONTRACTS)
@example(EVERYTHING)
def test_a_client_holds_no_statement_beyond_what_it_is(contract: Contract) -> None:
    text = module(contract)
    assert not is_harmful(text)
    tree = ast.parse(text)
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    defined = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    defined += [ast.unparse(node.targets[0]) for node in tree.body if isinstance(node, ast.Assign)]
    assert len(defined) == len(set(defined))  # nothing is written over
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", name) for name in defined)
    for number, node in enumerate(tree.body):
        docstring = number == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        assert docstring or isinstance(node, (ast.Import, ast.ImportFrom, ast.ClassDef, ast.Assign))
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert calls <= ALLOWED_CALLS
    imports = {name.name for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom)) for name in node.names}
    assert imports == {
        "json",
        "threading",
        "urllib.error",
        "urllib.request",
        "Callable",
        "Any",
        "Literal",
        "NotRequired",
        "TypedDict",
        "cast",
    }
    [client] = [node for node in classes.values() if any(getattr(one, "name", "") == "_call" for one in node.body)]
    assert [getattr(node, "name", "doc") for node in client.body] == [
        "doc",
        "__init__",
        "last_message",
        "_call",
        "class_",
    ]
    names: dict[str, Any] = {"__name__": "client"}
    exec(compile(tree, "client", "exec"), names)  # its types are what the contract says
    keys = names["ClassRequest"].__annotations__
    assert set(keys) == set(contract.operations["class"].request.document["properties"])


class Read(HTMLParser):
    """Which elements and attributes a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(f"{tag}/{name}" for name, _ in attrs)}


def elements(page: str) -> set[str]:
    reader = Read()
    reader.feed(page)
    return reader.found


def listed(contract: Contract, words: str) -> str:
    return "".join(catalogue([contract], 1, words, "vi"))


PLAIN = contract_of(["words"], ["field"], ["value"])
KNOWN = elements(service(PLAIN, "https://bus", "vi", inside=True)) | elements(listed(PLAIN, "words"))


@FUZZED
@given(CONTRACTS)
@example(EVERYTHING)
def test_a_page_has_no_element_of_a_contracts_making(contract: Contract) -> None:
    for page in (service(contract, "https://bus", "vi", inside=True), listed(contract, contract.title.vi)):
        assert elements(page) <= KNOWN
        assert not is_harmful(page)


def asked(contract: Contract) -> dict[str, str]:
    return {one.language: one.text for one in examples(contract.operations["class"], "https://bus/x")}


@FUZZED
@given(CONTRACTS)
@example(EVERYTHING)
def test_programs_send_the_example_and_do_nothing_else(contract: Contract) -> None:
    request = contract.operations["class"].example.request
    programs = asked(contract)
    assert not any(map(is_harmful, programs.values()))
    words = shlex.split(programs["curl"].replace("\\\n", " "))
    assert words[:2] == ["curl", "-s"]
    assert json.loads(words[-1]) == request
    assert len(words) == 9
    tree = ast.parse(programs["python"])
    [sent] = [one.value for one in ast.walk(tree) if isinstance(one, ast.keyword) and one.arg == "json"]
    assert ast.literal_eval(sent) == request
    assert len(tree.body) == 4
    for language, opening, closing in (
        ("java", "String body = ", ";\n"),
        ("csharp", "new StringContent(", ', Encoding.UTF8, "application/json");\n'),
    ):
        literal = next(line for line in programs[language].split("\n") if opening in line).partition(opening)[2]
        assert literal.endswith(closing.rstrip("\n"))
        assert json.loads(json.loads(literal.removesuffix(closing.rstrip("\n")))) == request
        assert programs[language].isascii()  # compilers read a file in the encoding of the machine
    php = next(line for line in programs["php"].split("\n") if "'content' => '" in line)
    literal = php.partition("'content' => '")[2].removesuffix("',")
    assert not re.search(r"(?<!\\)(\\\\)*'", literal)
    assert json.loads(re.sub(r"\\([\\'])", r"\1", literal)) == request
    script = next(line for line in programs["javascript"].split("\n") if "JSON.stringify(" in line)
    assert json.loads(script.strip().removeprefix("body: JSON.stringify(").removesuffix("),")) == request


def test_node_sends_the_example_too(tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node
    program = asked(EVERYTHING)["javascript"]
    stub = "globalThis.fetch = async (url, sent) => ({status: 200, json: async () => JSON.parse(sent.body)});\n"
    (tmp_path / "x.mjs").write_text(
        stub
        + program.replace(
            "console.log(answer.status, await answer.json())", "console.log(JSON.stringify(await answer.json()))"
        )
    )
    said = subprocess.run([node, str(tmp_path / "x.mjs")], capture_output=True, text=True, timeout=20, check=True)
    assert json.loads(said.stdout) == EVERYTHING.operations["class"].example.request


@FUZZED
@given(CONTRACTS)
@example(EVERYTHING)
def test_documents_are_documents(contract: Contract) -> None:
    for kind in ("http", "soap", "sql", "files", "python"):
        drafted = manifest(contract, kind)
        assert yaml.safe_load(harmless(terminal.as_yaml([drafted]))) == drafted
    for document in (openapi(contract, "https://bus"), asyncapi(contract, "bus:4222", "https://bus")):
        assert json.loads(harmless(orjson.dumps(document).decode())) == document
