"""What purposes are called: one document each, which everybody reads and operators alone write."""

import secrets

from support.workbench import TEXT, Workbench, document


async def test_a_purpose_has_a_title_that_everybody_reads(bus: Workbench) -> None:
    code = f"cap-phep-{secrets.token_hex(4)}"
    title = {"vi": "Cấp giấy phép", "en": "Issuing of permits"}
    sent = document("Purpose", code, title=title, legalBasis="Luật Xây dựng 2014, Điều 102")
    assert (await bus.registry("POST", "purposes", sent, system="agency-admin")).code == "not-granted"
    made = await bus.registry("POST", "purposes", sent)
    assert made.status == 201, made.body
    async with bus.session.get("/catalog/purposes") as answer:  # without a token
        known = {one["code"]: one for one in (await answer.json())["items"]}
    assert known[code] == {"code": code, "title": title, "legalBasis": "Luật Xây dựng 2014, Điều 102"}
    bad = document("Purpose", code, title=TEXT, legalBasis="?")
    refused = await bus.registry("PUT", f"purposes/{code}", bad, headers={"If-Match": made.headers["ETag"]})
    assert (refused.code, "/spec/legalBasis" in refused.json["detail"]) == ("invalid-document", True)
    gone = await bus.registry("DELETE", f"purposes/{code}", headers={"If-Match": made.headers["ETag"]})
    assert gone.status == 204
    async with bus.session.get("/catalog/purposes") as answer:
        assert code not in [one["code"] for one in (await answer.json())["items"]]
