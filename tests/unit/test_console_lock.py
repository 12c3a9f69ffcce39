"""What the console is built from: packages by name and digest, no address of a registry."""

import json

from support.processes import ROOT

CONSOLE = ROOT / "gateway/console"


def test_each_package_is_pinned_by_digest_and_without_an_address() -> None:
    lock = json.loads((CONSOLE / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert not [name for name, package in packages.items() if "integrity" not in package]
