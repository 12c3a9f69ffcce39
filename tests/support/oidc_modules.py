"""The certified OpenID provider `oidc-provider`, from npm, installed once outside the checkout."""

import shutil
import subprocess
from pathlib import Path

from support.processes import ROOT

MODULES = Path("~/.cache/lgsp-tests/oidc").expanduser()
CLIENTS = ROOT / "tests" / "support" / "oidc" / "provider.mjs"
"""A provider whose clients take tokens."""
PEOPLE = ROOT / "tests" / "support" / "oidc" / "people.mjs"
"""A provider whose people sign in."""


def oidc_modules() -> Path:
    """The folder with the provider's packages."""
    assert shutil.which("node"), "node is missing, which plays another issuer; apt-get install nodejs npm"
    if not (MODULES / "node_modules" / "oidc-provider").exists():
        MODULES.mkdir(parents=True, exist_ok=True)
        (MODULES / "package.json").write_text('{"private": true}')
        subprocess.run(["npm", "install", "--silent", "oidc-provider@9"], cwd=MODULES, check=True)
    return MODULES
