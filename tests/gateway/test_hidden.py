"""A service that a caller may not know of looks in every way like one that does not exist."""

from support.workbench import Workbench


async def test_hidden_and_missing_look_alike(bus: Workbench) -> None:
    answers = {}
    for service in ("hidden", "absent"):
        for operation in ("read", "nothing"):
            got = await bus.call(operation, service=service, system="beta", headers={"Accept-Language": "en"})
            words = {key: value for key, value in got.json.items() if key != "instance"}
            answers[service, operation] = str(words).replace(service, "*"), sorted(got.headers)
    assert len(set(map(str, answers.values()))) == 1


async def test_the_catalogue_lists_what_a_caller_may_know(bus: Workbench) -> None:
    listed = {}
    for system in ("alpha", "beta"):
        headers = {"Authorization": f"Bearer {bus.token(system)}"}
        async with bus.session.get("/catalog/services", headers=headers) as answer:
            items = (await answer.json())["items"]
        listed[system] = {item["service"]: item for item in items}
    assert set(listed["alpha"]) == {"desk", "hidden"}
    assert set(listed["beta"]) == {"desk"}
    purposes = {op["operation"]: op["purposes"] for op in listed["beta"]["desk"]["operations"]}
    assert purposes["read"] == ["thu-nghiem"]
    assert purposes["register"] == []
