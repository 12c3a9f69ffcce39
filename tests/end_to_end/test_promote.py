"""Documents move from a test bus to a production bus by one command, which shows the difference; keys and approvals stay."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
import yaml
from support.preloaded import run
from support.workbench import CONTRACTS, TEXT, Workbench, document, grant

from lgsp_auth.signing_keys import SigningKey

PURPOSE = "thu-nghiem"
"""Of the grants of `support.workbench`."""


class Promotion:
    """A test bus with something new on it, and a production bus."""

    def __init__(self, test: Workbench, production: Workbench) -> None:
        self.test, self.production = test, production

    async def prepare(self) -> None:
        """Register on the test bus what production lacks: an agency, two systems with keys, a personal service, a grant."""
        keys = {"jwks": [SigningKey.generate().public_jwk()], "secretSha256": "0" * 64}
        systems = [document("System", name, agency="H50", title=TEXT, **keys) for name in ("land-desk", "land-system")]
        contract = {**CONTRACTS[0], "service": "land", "provider": "land-system"}
        documents = [
            document("Agency", "H50", title=TEXT),
            document("Purpose", PURPOSE, title=TEXT, legalBasis="Luật 123"),
            *systems,
            document("Service", "land-v1", contract=contract),
            grant("land-desk", "land-desk", "land", read=["*"], read_person=["*"]),
        ]
        for one, path in zip(
            documents, ("agencies", "purposes", "systems", "systems", "services", "grants"), strict=True
        ):
            got = await self.test.registry("POST", path, one)
            assert got.status == 201, got.body

    async def __call__(self, *arguments: str, system: str = "operator") -> tuple[int, str, str]:
        url, token = f"http://127.0.0.1:{self.test.port}", self.test.token("operator")
        return await self.run("promote", *arguments, "--from", url, "--from-token", token, system=system)

    async def run(self, *arguments: str, system: str = "operator") -> tuple[int, str, str]:
        where = ["--url", f"http://127.0.0.1:{self.production.port}", "--token", self.production.token(system)]
        return await run(*arguments, *where)


@pytest_asyncio.fixture
async def promote(breakable_bus: Workbench, tmp_path: Path) -> AsyncIterator[Promotion]:
    production = await Workbench(tmp_path / "production").start()
    promotion = Promotion(breakable_bus, production)
    await promotion.prepare()
    yield promotion
    await production.stop()


async def test_what_is_new_is_shown_and_moves_without_keys_and_approvals(promote: Promotion) -> None:
    code, shown, err = await promote("grant/land-desk", "--dry-run")
    assert (code, err) == (0, "")
    lines = shown.splitlines()
    assert [line for line in lines if not line.startswith("    ")] == [
        "+ new     agency/H50",
        f"+ new     purpose/{PURPOSE}",
        "+ new     system/land-desk",
        "+ new     system/land-system",
        "+ new     service/land-v1 draft",
        "+ new     grant/land-desk",
        "grants: if you may approve them here, writing them is your approval",
        "6 new, 0 changed, 0 unchanged",
    ]
    # A grant can be in force once it is written, so all of it is shown before.
    of_grant = yaml.safe_load("\n".join(line[5:] for line in lines if line.startswith("    +")))
    assert of_grant == (await promote.test.registry("GET", "grants/land-desk")).json["spec"]
    assert (await promote.production.registry("GET", "agencies/H50")).status == 404
    code, _, err = await promote("grant/land-desk")
    assert (code, "add --yes to write" in err) == (1, True)  # there is nobody to ask

    code, _, err = await promote("service/land-v1", "--yes", "--reason", "đưa vào vận hành")
    assert (code, err) == (0, "")
    system = (await promote.production.registry("GET", "systems/land-system")).json
    assert set(system["spec"]) == {"agency", "title"}
    assert (await promote.production.registry("GET", "services/land-v1")).json["spec"]["phase"] == "draft"

    contract = (await promote.production.registry("GET", "services/land-v1")).json
    published = document("Service", "land-v1", contract=contract["spec"]["contract"])
    condition = {"If-Match": f'"{contract["metadata"]["revision"]}"'}
    assert (await promote.production.registry("PUT", "services/land-v1", published, headers=condition)).status == 200
    code, out, err = await promote("grant/land-desk", "--yes")
    assert (code, err) == (0, "")
    assert "lgsp system add-key land-desk FILE" in out
    assert "an administrator of the provider's agency is to approve it" in out
    purpose = (await promote.production.registry("GET", f"purposes/{PURPOSE}")).json
    assert purpose["spec"] == {"title": TEXT, "legalBasis": "Luật 123"}
    arrived = (await promote.production.registry("GET", "grants/land-desk")).json
    assert arrived["status"]["phase"] == "awaiting-provider"

    code, out, _ = await promote("grant/land-desk", "service/land-v1")
    assert (code, out) == (0, "0 new, 0 changed, 2 unchanged\n")  # nothing is left to ask about

    denied = await promote.production.registry("POST", "grants/land-desk/deny", {"reason": "không có căn cứ"})
    assert denied.status == 200
    there = (await promote.test.registry("GET", "grants/land-desk")).json
    widened = grant("land-desk", "land-desk", "land", 200_000, read=["*"], read_person=["*"])
    condition = {"If-Match": f'"{there["metadata"]["revision"]}"'}
    assert (await promote.test.registry("PUT", "grants/land-desk", widened, headers=condition)).status == 200
    code, out, err = await promote("grant/land-desk", "--dry-run")
    assert (code, err) == (0, "")
    assert "~ changed grant/land-desk (denied)\n" in out


async def test_a_change_is_shown_and_leaves_what_the_target_has_of_its_own(promote: Promotion) -> None:
    assert (await promote("system/land-system", "--yes"))[0] == 0
    own = SigningKey.generate().public_jwk()
    (promote.production.state.root / "key.json").write_text(json.dumps(own))
    added = await promote.run("system", "add-key", "land-system", str(promote.production.state.root / "key.json"))
    assert added[0] == 0
    code, out, _ = await promote("system/land-system", "--dry-run")
    assert out == "0 new, 0 changed, 1 unchanged\n"

    there = (await promote.test.registry("GET", "systems/land-system")).json
    renamed = document("System", "land-system", **{**there["spec"], "title": {"vi": "Đất đai", "en": "Land"}})
    condition = {"If-Match": f'"{there["metadata"]["revision"]}"'}
    assert (await promote.test.registry("PUT", "systems/land-system", renamed, headers=condition)).status == 200
    code, out, _ = await promote("system/land-system", "--yes")
    assert code == 0
    assert "~ changed system/land-system" in out
    assert "+  vi: Đất đai" in out
    arrived = (await promote.production.registry("GET", "systems/land-system")).json
    assert arrived["spec"]["title"]["vi"] == "Đất đai"
    assert arrived["spec"]["jwks"] == [own | {"kid": own["kid"]}]


async def test_everything_moves_but_roles_and_ended_grants_with_the_rights_at_the_target(
    promote: Promotion, tmp_path: Path
) -> None:
    assert (await promote.test.registry("POST", "grants/land-desk/deny", {"reason": "x"})).status == 200
    code, out, err = await promote("--dry-run")
    assert (code, err) == (0, "")
    assert "left out  grant/land-desk (denied)" in out
    assert "left out  system/operator (has roles, which the target bus assigns itself)" in out
    assert "+ new     service/land-v1 draft" in out
    assert "changed system/alpha" not in out  # a system of the same name has its own key here

    file = tmp_path / "hand-in.yaml"
    file.write_text(yaml.safe_dump(document("Agency", "H51", title=TEXT)))
    code, out, err = await promote.run("promote", "--from", str(file), "--yes")
    assert (code, err, out.splitlines()[-1]) == (0, "", "agency/H51 created")

    code, _, err = await promote("service/land-v1", "--yes", "--phase", "published", system="agency-admin")
    assert code == 1
    assert "may not" in err
    code, _, err = await promote("service/nothing-v1", "--yes")
    assert (code, "The source has no service/nothing-v1" in err) == (1, True)
    code, _, err = await promote("person/p-aaaaaaaaaaaaaaaaaaaaaaaaaa", "--yes")
    assert (code, "do not move between buses" in err) == (1, True)


async def test_who_cannot_read_the_source_learns_how_to_say_who_reads_it(promote: Promotion) -> None:
    url = f"http://127.0.0.1:{promote.test.port}"
    where = ["--url", f"http://127.0.0.1:{promote.production.port}", "--token", promote.production.token("operator")]
    code, _, err = await run("promote", "--from", url, "--dry-run", *where)
    assert (code, "add --from-token TOKEN" in err) == (1, True), err
