"""A bus has a name, and its systems full ones, over HTTP."""

from support.workbench import Workbench, document, grant


async def test_an_operator_names_the_bus_and_full_names_are_understood(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    await bus.serve()
    full = "VN/GOV/H49.1/gamma"
    assert (
        "declare Instance this" in (await bus.registry("POST", "grants", grant("g", full, read=["*"]))).json["detail"]
    )
    named = document("Instance", "this", identifier="VN", memberClass="GOV")
    assert (await bus.registry("POST", "instances", named, system="agency-admin")).status == 403
    assert (await bus.registry("POST", "instances", named)).status == 201
    assert (await bus.registry("GET", "instances/this", system="developer")).json["spec"] == named["spec"]
    made = await bus.registry("POST", "grants", grant("g", full, read=["*"]))
    assert (made.status, made.json["spec"]["consumer"]) == (201, "gamma")
    assert (await bus.call(system="gamma")).status == 200
    assert (await bus.entries())[-1]["consumer"] == "gamma"
    found = await bus.registry("GET", f"grants?consumer={full}")
    assert [item["metadata"]["name"] for item in found.json["items"]] == ["g"]
    absent = await bus.registry("GET", "grants?consumer=VN/GOV/H49.1/nobody", system="asker")
    hidden = await bus.registry("GET", f"grants?consumer={full}", system="asker")
    assert (absent.status, absent.json) == (hidden.status, hidden.json) == (200, {"items": []})
    foreign = await bus.registry("POST", "grants", grant("h", "EE/GOV/70006317/portal", read=["*"]))
    assert (foreign.status, "another instance" in foreign.json["detail"]) == (422, True)
    assert (await bus.registry("GET", "grants?consumer=EE/GOV/70006317/portal")).status == 400


async def test_the_first_fill_brings_the_name(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    await bus.gateway.kill()
    await bus.drop_stream("KV_LGSP_REGISTRY")
    path = bus.state.registry / "registry.yaml"
    text = path.read_text().replace("consumer: beta", "consumer: VN/GOV/H49.1/beta")
    path.write_text(
        f"{text}\n---\napiVersion: lgsp/v1\nkind: Instance\nmetadata: {{name: this}}\nspec: {{identifier: VN, memberClass: GOV}}\n"
    )
    await bus.gateway.start()
    assert (await bus.registry("GET", "instances/this")).json["spec"]["identifier"] == "VN"
    assert (await bus.registry("GET", "grants/beta-desk")).json["spec"]["consumer"] == "beta"
