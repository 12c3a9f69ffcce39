"""The `lgsp` command. `main.py` is the one composition root; each package names its subcommands in a `register`.

The subcommands are named by path and imported when they are called, so that `lgsp token` does not wait for a gateway.
"""

from cyclopts import App, CycloptsError

_REGISTRY = {
    "apply": "Create or replace documents of the registry from files.",
    "get": "Show documents of the registry.",
    "describe": "Show one document completely.",
    "history": "Show the versions of a document: who changed what, when and why.",
    "export": "Write the whole registry as YAML.",
    "delete": "Delete a document.",
}

_SIGN_IN = {
    "login": "Sign in with your own account.",
    "logout": "End your session.",
    "whoami": "Show the identity that commands use.",
}

_OPERATIONS = {
    "flows": "Show the traffic: calls, errors and durations by consumer and operation.",
    "adapters": "Show the running adapters and the state of their systems.",
    "statistics": "Write statistics of calls by month, agency, service and purpose.",
}

_EVIDENCE = {
    ("evidence_commands", "tail"): "Show the newest entries, and follow new ones.",
    ("evidence_commands", "search"): "Search for messages by person, system, time and result.",
    ("proof_commands", "prove"): "Write the proof of a message.",
    ("proof_commands", "check"): "Check a proof, without a bus.",
    ("proof_commands", "keys"): "Print the verifier keys of all logs.",
    ("log_commands", "export"): "Export all logs to a folder.",
    ("log_commands", "verify"): "Verify every entry of the logs against their checkpoints.",
    ("archive_commands", "archive"): "Move old entries from the stream to archives.",
    ("witness_commands", "witness"): "Run a witness that cosigns the checkpoints of all logs.",
}

_PERSON = {
    "create": "Register a person.",
    "link": "Link an account of the issuer to a person.",
    "approve": "Approve a person in a role that approves.",
    "suspend": "Suspend a person and end their sessions.",
    "resume": "Let a suspended person sign in again.",
    "end": "End a person permanently, and delete their name and account.",
    "show": "Show a person, their name and the code of their account.",
}

_SYSTEM = {
    "keys": ("keys", "List the keys of a system, and until when each counts."),
    "rotate-key": ("rotate_key", "Make a new key for a system; the present one counts beside it for a while."),
    "add-key": ("add_key", "Register a public key that somebody handed over: JWK, PEM, DER or certificate."),
    "remove-key": ("remove_key", "Remove a key of a system."),
    "new-secret": ("new_secret", "Give a system a new client secret, and show it once."),
    "remove-secret": ("remove_secret", "Remove the client secret of a system."),
    "end-tokens": ("end_tokens", "End the access tokens that a system was given until now."),
}

_KEYS = {
    "rotate_keys": ("rotate", "Create a new key of the bus that signs access tokens."),
    "remove_key": ("remove", "Remove a key of the bus, and end all tokens that it signed."),
    "show_keys": ("show", "Show the public parts of the keys of the bus."),
    "new_key": ("new", "Create the key pair of a new system."),
}

_OWN_CALLS = {
    "calls": "Show the calls of one system, and why some were refused.",
    "quota": "Show how much of its quotas a system has used.",
}

_SDK = {
    "python": "Generate a Python module that needs only the standard library.",
    "typescript": "Generate TypeScript types with openapi-typescript.",
    "java": "Generate a Java client with openapi-generator.",
}


def register(app: App) -> None:
    """Add what the gateway brings."""
    app.command(
        "lgsp_gateway.cli.local_commands:up",
        name="up",
        help="Run a complete bus on this machine, with national databases in a sandbox.",
    )
    app.command(
        "lgsp_gateway.cli.completion_commands:completion",
        name="completion",
        help="Print the completion script of a shell.",
    )
    app.command("lgsp_gateway.cli.caller_commands:token", name="token", help="Print an access token of a system.")
    app.command("lgsp_gateway.cli.caller_commands:call", name="call", help="Call a service.")
    for name, words in _REGISTRY.items():
        app.command(f"lgsp_gateway.cli.registry_commands:{name}", name=name, help=words)
    app.command(
        "lgsp_gateway.cli.promote_commands:promote",
        name="promote",
        help="Move documents from another bus to this one, after showing the difference.",
    )
    app.command(
        "lgsp_gateway.cli.registry_step_commands:act_on_grant",
        name="grant",
        help="Approve, deny, suspend, resume or revoke a grant.",
    )
    app.command(
        "lgsp_gateway.cli.registry_step_commands:act_on_service", name="service", help="Suspend or resume a service."
    )
    system = App(name="system", help="Manage the keys, the client secret and the tokens of a system.")
    for name, (function, words) in _SYSTEM.items():
        system.command(f"lgsp_gateway.cli.system_commands:{function}", name=name, help=words)
    app.command(system)
    for name, words in _OWN_CALLS.items():
        app.command(f"lgsp_gateway.cli.own_call_commands:{name}", name=name, help=words)
    for name, words in _OPERATIONS.items():
        app.command(f"lgsp_gateway.cli.traffic_commands:{name}", name=name, help=words)
    app.command(
        "lgsp_gateway.cli.doctor_commands:doctor",
        name="doctor",
        help="Check the health of the bus, and say what to do about problems.",
    )
    for name, words in _SIGN_IN.items():
        app.command(f"lgsp_gateway.cli.login_commands:{name}", name=name, help=words)
    person = App(name="person", help="Manage the people who sign in.")
    for name, words in _PERSON.items():
        person.command(f"lgsp_gateway.cli.person_commands:{name}", name=name, help=words)
    app.command(person)
    contract = app["contract"]
    contract.command(
        "lgsp_gateway.cli.local_commands:mock",
        name="mock",
        help="Serve generated answers of contracts, before a provider exists.",
    )
    sdk = App(name="sdk", help="Generate typed clients of services.")
    for name, words in _SDK.items():
        sdk.command(f"lgsp_gateway.cli.sdk_commands:{name}", name=name, help=words)
    app.command(sdk)
    keys_of_calls = App(name="idempotency", help="Show and settle the outcome of calls with an Idempotency-Key.")
    keys_of_calls.command(
        "lgsp_gateway.cli.idempotency_commands:show", name="show", help="Show the state of an Idempotency-Key."
    )
    keys_of_calls.command(
        "lgsp_gateway.cli.idempotency_commands:settle",
        name="settle",
        help="Record the outcome of a call whose outcome is unknown.",
    )
    app.command(keys_of_calls)
    gateway = App(name="gateway", help="Run a gateway, or show its settings.", error_formatter=_settings_error)
    gateway.command("lgsp_gateway.cli.gateway_commands:run_gateway", name="run", help="Run a gateway.")
    gateway.command(
        "lgsp_gateway.cli.gateway_commands:show_settings", name="settings", help="Show all settings of a gateway."
    )
    app.command(gateway)
    indexer = App(name="indexer", help="Fill the search index of the evidence.", error_formatter=_settings_error)
    indexer.command("lgsp_gateway.cli.gateway_commands:run_indexer", name="run", help="Run an indexer.")
    app.command(indexer)
    keys = App(name="keys", help="Manage the keys of the bus, and make those of a new system.")
    for function, (name, words) in _KEYS.items():
        keys.command(f"lgsp_gateway.cli.gateway_commands:{function}", name=name, help=words)
    app.command(keys)
    bench = App(name="bench", help="Measure the bus.")
    bench.command("lgsp_gateway.cli.bench_commands:up", name="up", help="Run a bus to be measured.")
    bench.command("lgsp_gateway.cli.bench_commands:report", name="report", help="Show the history of measurements.")
    app.command(bench)
    evidence = App(name="evidence", help="Search, prove, verify and archive the evidence.")
    for (module, name), words in _EVIDENCE.items():
        evidence.command(f"lgsp_gateway.cli.{module}:{name}", name=name, help=words)
    app.command(evidence)


def _settings_error(error: CycloptsError) -> object:
    """Say which setting does not fit in one sentence; anything else as the library does."""
    from pydantic import ValidationError  # noqa: PLC0415 - takes 0.2 s to load, and is there already where it raised

    from lgsp_contracts.cli.terminal import language  # noqa: PLC0415
    from lgsp_gateway.config import invalid_setting  # noqa: PLC0415

    cause = error.__cause__ or error.__context__
    return (
        f"lgsp: {invalid_setting(cause).detail.in_language(language())}"
        if isinstance(cause, ValidationError)
        else error
    )
