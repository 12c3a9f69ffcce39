"""Finds the connector that a manifest names: a folder beside this module, or one of another package (`connector_folders`).

A connector is a folder with fixed file names, and no other module refers to it:

* `connector.py` with `build(manifest, contract)`, which makes an `Adapter` (or, for what calls a service instead of answering for one, that),
  and `check(manifest, contract)`, which yields a `Refusal` for each part of the manifest that does not keep the contract;
* `schema.json`, the schema of its part of the manifest;
* `README.md`, which documents it.

So a new connector is a new folder. It is loaded when a manifest names it: who asks over HTTP does not wait for a database's library.
"""

from collections.abc import Collection, Iterator
from typing import Any, Protocol, cast

from lgsp_adapters import connector_folders
from lgsp_adapters.adapter import Adapter
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.contract import Contract
from lgsp_problems import Refusal


class Connector(Protocol):
    """What the module `connector.py` of a connector's folder has."""

    def build(self, manifest: Manifest, contract: Contract, /) -> Any:
        """Make what a manifest describes, not yet open.

        Raises:
            Refusal: `invalid-document`, with the file, the line and how to correct it.
        """

    def check(self, manifest: Manifest, contract: Contract, /) -> Iterator[Refusal]:
        """Yield where a manifest does not keep its contract."""


def check(manifest: Manifest, contract: Contract) -> Iterator[Refusal]:
    """Yield where a manifest does not keep what its contract promises."""
    return _connector(manifest.kind).check(manifest, contract)


def build(manifest: Manifest, contract: Contract) -> Any:
    """Make what a manifest describes, not yet open: an `Adapter`, or what calls a service instead of answering for one.

    Raises:
        Refusal: `invalid-document`, with the file, the line and how to correct it.
    """
    for refusal in check(manifest, contract):
        raise refusal
    return build_unchecked(manifest, contract)


def build_unchecked(manifest: Manifest, contract: Contract) -> Any:
    """Make what a manifest describes as `build` does, without checking it against the contract first.

    Raises:
        Refusal: `invalid-document`, with the file, the line and how to correct it.
    """
    return _connector(manifest.kind).build(manifest, contract)


def build_adapter(manifest: Manifest, contract: Contract) -> Adapter:
    """Make the adapter that a manifest describes, not yet open.

    Raises:
        Refusal: `invalid-document`, with the file, the line and how to correct it; also when the manifest describes no adapter.
    """
    built = build(manifest, contract)
    if not isinstance(built, Adapter):
        raise (manifest.location / "kind").refusal(
            f"bộ kết nối {manifest.kind} gọi dịch vụ chứ không trả lời; hãy chạy nó bằng lgsp adapter run",
            f"the connector {manifest.kind} calls a service and answers none; run it with lgsp adapter run",
        )
    return built


def preview_job(manifest: Manifest, contract: Contract) -> dict[str, Any]:
    """Make the job of the process that previews a file (`subprocess_reader`), for a connector that reads files.

    Raises:
        Refusal: `invalid-document`, when the manifest does not keep its contract, or its connector reads no files.
    """
    for refusal in check(manifest, contract):
        raise refusal
    make = getattr(_connector(manifest.kind), "preview_job", None)
    if make is None:
        raise (manifest.location / "kind").refusal(
            f"bộ kết nối {manifest.kind} không đọc tệp; hãy nêu bản khai có kind: files hoặc kind: rows",
            f"the connector {manifest.kind} reads no files; name a manifest with kind: files or kind: rows",
        )
    job: dict[str, Any] = make(manifest, contract)
    return job


def variables_of_strings(manifest: Manifest) -> Collection[str]:
    """Return the variables whose fields are all strings, such as the row of a CSV file; none for a connector that does not say so."""
    tell = getattr(_connector(manifest.kind), "variables_of_strings", None)
    names: Collection[str] = tell(manifest) if tell else ()
    return names


def _connector(name: str) -> Connector:
    return cast("Connector", connector_folders.module(name))
