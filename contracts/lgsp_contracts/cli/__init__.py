"""The subcommands that contracts bring to the `lgsp` command. Imported at each start, so it names them and no more."""

from cyclopts import App

_READING = {
    "check": "Hold contracts against the rules.",
    "diff": "Say what a new version of a contract breaks, and whom.",
    "docs": "Render a contract as a page for people.",
}


def register(app: App) -> None:
    """Add `lgsp contract …`."""
    contract = App(name="contract", help="Write contracts and hold them against the rules.")
    contract.command("lgsp_contracts.tooling.writing_commands:new", name="new", help="Begin a contract.")
    for name, words in _READING.items():
        contract.command(f"lgsp_contracts.tooling.reading_commands:{name}", name=name, help=words)
    contract.command(
        "lgsp_contracts.tooling.reading_commands:as_openapi", name="openapi", help="Write a contract as OpenAPI 3.1."
    )
    drafting = App(name="import", help="Draft a contract out of what a system says of itself.")
    drafting.command(
        "lgsp_contracts.tooling.writing_commands:import_openapi", name="openapi", help="Out of an OpenAPI 3 document."
    )
    contract.command(drafting)
    app.command(contract)
    sdk = App(name="sdk", help="Write typed clients of services.")
    sdk.command(
        "lgsp_contracts.tooling.reading_commands:sdk_python",
        name="python",
        help="One Python module, standard library only.",
    )
    app.command(sdk)
