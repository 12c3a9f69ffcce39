"""A person who only tries an operation passes no file of a system on: the adapter of a sandbox has the name of the real provider."""

from typing import Any

from support.console import Officials
from support.filings import SERVICE, Filings, pdf

from lgsp_adapters.adapter import Call

TRY = f"/catalog/services/{SERVICE}/v1/operations/submit/try?sandbox=true&grant=alpha-filings"


async def test_a_trial_hands_no_file_to_the_provider_and_none_back(filings: Filings) -> None:
    asked: list[Any] = []
    of_provider = (await filings.upload(pdf(1000), system="provider")).json["href"]

    async def sandbox(request: dict[str, Any], _: Call) -> dict[str, Any]:
        asked.append(request)
        return {"ketQua": "SANDBOX", "bienNhan": of_provider}

    beside = await filings.serve(SERVICE, submit=sandbox, trials="only")
    file = (await filings.upload(pdf(1000))).json["href"]
    token = (await Officials(filings).signed_in("developer")).token
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en", "Content-Type": "application/json"}

    async def trying(body: str) -> Any:
        return await filings.ask("POST", TRY, body, headers)

    tried = await trying(f'{{"tep":["{file}"]}}')
    read = await filings.ask("GET", file, headers=filings.authorized("provider"))
    assert (tried.status, read.status) == (422, 404), (tried.body, read.status)
    assert (tried.code, asked) == ("file-not-allowed", [])

    without = await trying('{"tieuDe":"thử"}')  # the operation can be tried all the same
    assert (without.status, without.json["answer"]["ketQua"]) == (200, "SANDBOX")
    assert (await filings.ask("GET", of_provider)).status == 404  # as alpha
    await filings.unserve(beside)
