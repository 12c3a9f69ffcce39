"""The subcommands that adapters bring to the `lgsp` command. Imported at each start, so it names them and no more."""

from cyclopts import App


def register(app: App) -> None:
    """Add `lgsp adapter …` and `lgsp sandbox …`."""
    adapter = App(name="adapter", help="Check, test and run the adapters of providers' systems.")
    adapter.command("lgsp_adapters.cli.run_commands:run_adapters", name="run", help="Run adapters.")
    adapter.command(
        "lgsp_adapters.cli.check_commands:check", name="check", help="Check manifests against their contracts."
    )
    adapter.command(
        "lgsp_adapters.cli.conformance_commands:try_operation",
        name="try",
        help="Call one operation of the system behind an adapter.",
    )
    adapter.command(
        "lgsp_adapters.cli.mapping_commands:map_answer",
        name="map",
        help="Show each expression of an operation with its value.",
    )
    adapter.command(
        "lgsp_adapters.cli.preview_commands:preview",
        name="preview",
        help="Show what a file holds, and what an adapter would take of it.",
    )
    adapter.command(
        "lgsp_adapters.cli.watch_commands:show_events",
        name="watch",
        help="Show which events an adapter would publish.",
    )
    adapter.command(
        "lgsp_adapters.cli.inbox_commands:accept",
        name="accept",
        help="Accept an inbox file that is held back because it shrinks the register.",
    )
    adapter.command(
        "lgsp_adapters.cli.explain_commands:explain",
        name="explain",
        help="Explain a key of manifests, a function of mappings, or a connector.",
    )
    adapter.command(
        "lgsp_adapters.cli.connector_commands:run_connector_tests",
        name="conformance",
        help="Test a connector, also one of another package.",
    )
    adapter.command("lgsp_adapters.cli.scaffolding_commands:new", name="new", help="Create a manifest for a contract.")
    app.command(adapter)
    contract = app["contract"]
    contract.command(
        "lgsp_adapters.cli.conformance_commands:run_conformance_tests",
        name="test",
        help="Test an adapter against its contract.",
    )
    drafting = App(name="import", help="Draft a contract and a manifest from the description of an existing system.")
    contract.command(drafting)
    drafting.command("lgsp_adapters.cli.import_commands:import_table", name="table", help="From a table of a database.")
    drafting.command("lgsp_adapters.cli.import_commands:import_wsdl", name="wsdl", help="From the WSDL of a service.")
    drafting.command(
        "lgsp_adapters.cli.import_commands:import_openapi", name="openapi", help="From an OpenAPI document."
    )
    sandbox = App(name="sandbox", help="Run stand-ins for the national databases.")
    sandbox.command("lgsp_adapters.cli.sandbox_commands:run_sandbox", name="run", help="Run one stand-in.")
    sandbox.command(
        "lgsp_adapters.cli.sandbox_commands:tell_sandbox", name="tell", help="Make a stand-in fail, or behave again."
    )
    app.command(sandbox)
