"""The subcommand `lgsp contract`. Imported at every start, so it names its functions and imports none."""

from cyclopts import App

_READING = {
    "check": "Check contracts.",
    "diff": "List the breaking changes of a new version of a contract.",
    "docs": "Render a contract as an HTML page.",
}


def register(app: App) -> None:
    """Add `lgsp contract …`."""
    contract = App(name="contract", help="Write, check and compare contracts.")
    contract.command(
        "lgsp_contracts.tooling.writing_commands:new", name="new", help="Create a contract from a template."
    )
    for name, help_text in _READING.items():
        contract.command(f"lgsp_contracts.tooling.reading_commands:{name}", name=name, help=help_text)
    contract.command(
        "lgsp_contracts.tooling.reading_commands:as_openapi", name="openapi", help="Write a contract as OpenAPI 3.1."
    )
    app.command(contract)
