"""The subcommands that adapters bring to the `lgsp` command. Imported at each start, so it names them and no more."""

from cyclopts import App


def register(app: App) -> None:
    """Add `lgsp adapter …` and `lgsp sandbox …`."""
    adapter = App(name="adapter", help="Run what answers for a provider's system.")
    adapter.command("lgsp_adapters.cli.run_commands:run_adapters", name="run")
    adapter.command(
        "lgsp_adapters.cli.conformance_commands:check", name="check", help="Hold manifests against their contracts."
    )
    adapter.command(
        "lgsp_adapters.cli.conformance_commands:try_operation",
        name="try",
        help="Ask the system behind an adapter once.",
    )
    adapter.command(
        "lgsp_adapters.cli.inbox_commands:accept",
        name="accept",
        help="Take a dropped file that is held because it shrinks its register.",
    )
    adapter.command("lgsp_adapters.cli.scaffolding_commands:new", name="new", help="Begin a manifest for a contract.")
    app.command(adapter)
    contract = app["contract"]
    contract.command(
        "lgsp_adapters.cli.conformance_commands:hold", name="test", help="Hold an adapter against its contract."
    )
    drafting = contract["import"]
    drafting.command(
        "lgsp_adapters.cli.import_commands:import_table", name="table", help="Out of a table of a database."
    )
    drafting.command("lgsp_adapters.cli.import_commands:import_wsdl", name="wsdl", help="Out of the WSDL of a service.")
    sandbox = App(name="sandbox", help="Servers that play the national databases.")
    sandbox.command("lgsp_adapters.cli.sandbox_commands:run_sandbox", name="run")
    sandbox.command("lgsp_adapters.cli.sandbox_commands:tell_sandbox", name="tell")
    app.command(sandbox)
