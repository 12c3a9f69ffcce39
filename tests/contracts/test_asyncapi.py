"""A contract as AsyncAPI, held against the specification's own validator, which needs Node."""

import json
import subprocess
from pathlib import Path

from support import announcing
from support.national import CATALOG

from lgsp_contracts.contract import Contract
from lgsp_contracts.tooling.asyncapi import asyncapi

MODULES = Path("~/.cache/lgsp-tests/asyncapi").expanduser()


async def test_asyncapi_is_valid_by_its_own_validator(tmp_path: Path) -> None:
    if not (MODULES / "node_modules/@asyncapi/parser").exists():
        MODULES.mkdir(parents=True, exist_ok=True)
        (MODULES / "package.json").write_text('{"private": true}')
        subprocess.run(["npm", "install", "--silent", "@asyncapi/parser@3"], cwd=MODULES, check=True)
    announcing_events = Contract.from_document(announcing.contract())
    for contract in (*CATALOG.values(), announcing_events):
        described = asyncapi(contract, "127.0.0.1:4222", "https://bus.example/lgsp")
        (tmp_path / f"{contract.service}.json").write_text(json.dumps(described))
    assert {"dossier-closed.announced", "dossier-closed.webhook"} <= described["operations"].keys()
    (tmp_path / "wrong.json").write_text('{"asyncapi": "3.0.0", "info": {}}')
    done = subprocess.run(
        ["node", "-e", VALIDATE, str(tmp_path)], cwd=MODULES, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ["wrong.json"], done.stdout


VALIDATE = """
const { Parser } = require("@asyncapi/parser");
const fs = require("fs");
(async () => {
  const folder = process.argv[1], wrong = [], parser = new Parser();
  for (const name of fs.readdirSync(folder).sort()) {
    const found = await parser.validate(fs.readFileSync(`${folder}/${name}`, "utf8"));
    if (found.some((fault) => fault.severity === 0)) wrong.push(name);
  }
  console.log(JSON.stringify(wrong));
})();
"""
