"""The `lgsp` command. `main.py` is the one composition root; each package names its subcommands in a `register`.

The subcommands are named by path and imported when they are called, so that `lgsp token` does not wait for a gateway.
"""

from cyclopts import App, CycloptsError

_REGISTRY = {
    "apply": "Create or replace documents of the registry from files.",
    "get": "Show documents of the registry.",
    "describe": "Show one document whole.",
    "history": "Show who changed a document, when, why and how.",
    "export": "Write the whole registry as YAML.",
    "delete": "Delete a document.",
}

_SIGN_IN = {
    "login": "Sign in as yourself.",
    "logout": "End your session.",
    "whoami": "Show as whom commands act.",
}

_OPERATIONS = {
    "flows": "Show who calls what, how often and how fast.",
    "adapters": "Show the adapters on the bus and the systems behind them.",
    "statistics": "Write what passed by month, agency, service and purpose.",
}

_EVIDENCE = {
    "evidence_commands": ("tail", "search"),
    "proof_commands": ("prove", "check", "keys"),
    "log_commands": ("export", "verify"),
    "archive_commands": ("archive",),
    "witness_commands": ("witness",),
}


def register(app: App) -> None:
    """Add what the gateway brings."""
    app.command(
        "lgsp_gateway.cli.local_commands:up",
        name="up",
        help="Run a whole bus on this machine, with national databases in a sandbox.",
    )
    app.command("lgsp_gateway.cli.caller_commands:token", name="token", help="Print an access token of a system.")
    app.command("lgsp_gateway.cli.caller_commands:call", name="call", help="Call a service.")
    for name, words in _REGISTRY.items():
        app.command(f"lgsp_gateway.cli.registry_commands:{name}", name=name, help=words)
    app.command(
        "lgsp_gateway.cli.registry_step_commands:act_on_grant", name="grant", help="Approve, deny, suspend a grant."
    )
    app.command(
        "lgsp_gateway.cli.registry_step_commands:act_on_service", name="service", help="Suspend or resume a service."
    )
    app.command("lgsp_gateway.cli.registry_step_commands:act_on_system", name="system", help="End a system's tokens.")
    for name, words in _OPERATIONS.items():
        app.command(f"lgsp_gateway.cli.traffic_commands:{name}", name=name, help=words)
    app.command(
        "lgsp_gateway.cli.doctor_commands:doctor", name="doctor", help="Is the bus well, and what to do if not."
    )
    for name, words in _SIGN_IN.items():
        app.command(f"lgsp_gateway.cli.login_commands:{name}", name=name, help=words)
    person = App(name="person", help="Register people, and suspend or end them.")
    for name in ("create", "link", "approve", "suspend", "resume", "end", "show"):
        person.command(f"lgsp_gateway.cli.person_commands:{name}", name=name)
    app.command(person)
    contract = app["contract"]
    contract.command(
        "lgsp_gateway.cli.local_commands:mock", name="mock", help="Serve contracts before there is a provider."
    )
    keys_of_calls = App(name="idempotency", help="What became of calls that change something.")
    keys_of_calls.command(
        "lgsp_gateway.cli.idempotency_commands:show", name="show", help="Show what is known of an Idempotency-Key."
    )
    keys_of_calls.command(
        "lgsp_gateway.cli.idempotency_commands:settle",
        name="settle",
        help="Say what became of a call whose outcome is unknown.",
    )
    app.command(keys_of_calls)
    gateway = App(name="gateway", help="Run a gateway.", error_formatter=_settings_error)
    gateway.command("lgsp_gateway.cli.gateway_commands:run_gateway", name="run")
    gateway.command("lgsp_gateway.cli.gateway_commands:show_settings", name="settings")
    app.command(gateway)
    indexer = App(name="indexer", help="Fill the search index of the evidence.", error_formatter=_settings_error)
    indexer.command("lgsp_gateway.cli.gateway_commands:run_indexer", name="run")
    app.command(indexer)
    keys = App(name="keys", help="The keys that sign access tokens, and those of systems.")
    keys.command("lgsp_gateway.cli.gateway_commands:rotate_keys", name="rotate")
    keys.command("lgsp_gateway.cli.gateway_commands:remove_key", name="remove")
    keys.command("lgsp_gateway.cli.gateway_commands:show_keys", name="show")
    keys.command("lgsp_gateway.cli.gateway_commands:new_key", name="new")
    app.command(keys)
    bench = App(name="bench", help="Measure the bus.")
    bench.command("lgsp_gateway.cli.bench_commands:up", name="up")
    bench.command("lgsp_gateway.cli.bench_commands:report", name="report")
    app.command(bench)
    evidence = App(name="evidence", help="What was written down of every message.")
    for module, names in _EVIDENCE.items():
        for name in names:
            evidence.command(f"lgsp_gateway.cli.{module}:{name}", name=name)
    app.command(evidence)


def _settings_error(error: CycloptsError) -> object:
    """Say which setting does not fit in one sentence; anything else as the library does."""
    from pydantic import ValidationError  # noqa: PLC0415 - takes 0.2 s to load, and is there already where it raised

    from lgsp_gateway.cli.main import language  # noqa: PLC0415
    from lgsp_gateway.config import invalid_setting  # noqa: PLC0415

    cause = error.__cause__ or error.__context__
    return (
        f"lgsp: {invalid_setting(cause).detail.in_language(language())}"
        if isinstance(cause, ValidationError)
        else error
    )
