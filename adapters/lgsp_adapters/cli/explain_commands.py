"""`lgsp adapter explain`: the reference of manifests and mappings on the terminal."""

from collections.abc import Iterable, Iterator

from lgsp_adapters.connectors import manifest_keys
from lgsp_adapters.mapping import function_reference
from lgsp_adapters.mapping.function_reference import FunctionReference
from lgsp_adapters.mapping.name_suggestions import resembling
from lgsp_contracts.cli.terminal import out
from lgsp_contracts.schema_keys import SchemaKey
from lgsp_problems import NotFound, Text


def explain(name: str = "", /) -> None:
    """Explain a key of manifests, a function of mappings, or a whole connector.

    Parameters
    ----------
    name
        A function such as `iso_date`; a key such as `pages` or `pages.next`, within one connector as `http.pages.next`; or the name of a
        connector. Without a name, all connectors and functions are listed.
    """
    functions = function_reference.load()
    if not name:
        out(f"Connectors: {', '.join(manifest_keys.connectors())}\n")
        out(f"Functions: {', '.join(sorted(functions))}\n")
        return
    lines = [*_function(functions[name])] if name in functions else []
    lines += [line for connector in manifest_keys.connectors() for line in _keys_called(connector, name)]
    if not lines:
        similar = _similar(name, functions)
        raise NotFound(
            vi=f"Không có hàm, khóa hay bộ kết nối nào tên {name}{similar.vi}; hãy xem danh sách bằng lgsp adapter explain.",
            en=f"There is no function, key or connector {name}{similar.en}; list them with lgsp adapter explain.",
        )
    out("\n".join(lines) + "\n")


def _similar(name: str, functions: Iterable[str]) -> Text:
    """Say which name may be meant, or nothing where none resembles it."""
    connectors = manifest_keys.connectors()
    last_parts = (_plain(key.path)[-1] for connector in connectors for key in manifest_keys.keys(connector))
    similar = resembling(name, dict.fromkeys([*functions, *connectors, *last_parts]))
    return Text(f" (có lẽ là {similar})", f" (perhaps {similar} is meant)") if similar else Text("", "")


def _function(function: FunctionReference) -> Iterator[str]:
    yield function.signature
    yield f"  {function.summary}"
    for example in function.examples:
        result = f"error: {example.error}" if example.error else example.result
        yield f"  {example.expression}, x = {example.x}  ->  {result}"


def _keys_called(connector: str, name: str) -> Iterator[str]:
    """Yield the keys of a connector that a name stands for, with those within them."""
    keys = list(manifest_keys.keys(connector))
    if name == connector:
        yield f"connector {connector}"
        yield from (line for key in keys for line in _key(key))
        return
    wanted = _plain(name.removeprefix(f"{connector}."))
    for key in keys:
        path = _plain(key.path)
        if wanted and path[-len(wanted) :] == wanted:
            yield f"connector {connector}"
            within = [one for one in keys if one.path.startswith((f"{key.path}.", f"{key.path}["))]
            yield from (line for one in (key, *within) for line in _key(one))


def _plain(path: str) -> list[str]:
    """Return the parts of a path without those that stand for any name or any item, as the reference pages write them."""
    return [part for part in path.replace("[]", "").split(".") if part != "NAME"]


def _key(key: SchemaKey) -> Iterator[str]:
    notes = [key.type, "required" if key.required else "", f"default {key.default}" if key.default else ""]
    yield f"  {key.path}  ({', '.join(note for note in notes if note) or 'any value'})"
    yield f"      {key.description}"
    if key.example:
        yield f"      example: {key.example}"
