"""The `lgsp` command. `main.py` is the one composition root; each package names its subcommands in a `register`.

The subcommands are named by path and imported when they are called, so that `lgsp token` does not wait for a gateway.
"""

from collections.abc import Mapping

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
    "flows": "Show the traffic: calls, errors and durations by consumer, provider and operation.",
    "adapters": "Show the running adapters and the state of their systems.",
    "storage": "Show what each agency has stored, and its storage quota.",
    "statistics": "Write statistics of calls by month, agency, service and purpose.",
}

_ADAPTER = {
    "drain": "Give a running adapter no more calls; it finishes those that it has.",
    "resume": "Give a drained adapter calls again.",
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

_BACKUP = {
    "create": ("create", "Back up a running bus."),
    "list": ("list_backups", "List the backups in a place."),
    "verify": ("verify", "Read all of a backup, and verify the evidence in it."),
    "prune": ("prune", "Delete old backups, and what no other needs."),
    "keygen": ("keygen", "Make the key that opens backups."),
}

_UPGRADE = {"check": ("check", "Say what this version finds in a bus that another version runs.")}

_NATS = {
    "config": ("config", "Write the configuration of a NATS server."),
    "copy": ("copy", "Copy all streams to another NATS, such as a cluster."),
    "rotate_password": ("rotate-password", "Give a NATS user of the bus a new password."),
}

_USER = {
    "create": ("create", "Make a local user, and the link by which they choose a password."),
    "reset": ("reset", "Give a local user a new account and a new link."),
    "end": ("end", "Forget a local user."),
    "list": ("list_users", "List the names of local users."),
}
_HEALTH = "Tell by the exit status whether a gateway is ready, or a process is alive; for containers."
_INSTALL = {
    "install": "Install the units of systemd of what this machine runs.",
    "uninstall": "Stop and remove the units; configuration, keys and data stay.",
}
_OPERATORS = {
    "invite": ("invite", "Invite operators from the machine of a gateway, where all are locked out."),
    "show": ("show", "Show the invitations of this machine, and their links."),
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
    "rotate_log_key": ("rotate-log", "Create a new key that signs the evidence; the old one vouches for it."),
    "rotate_storage_key": ("rotate-storage", "Create a new key that encrypts what is stored."),
    "rotate_webhook_key": ("rotate-webhooks", "Create a new key that encrypts the secrets of webhook endpoints."),
    "move_to_token": ("move-to-token", "Create the keys that sign in a PKCS#11 token."),
    "rotate_keys": ("rotate", "Create a new key of the bus that signs access tokens."),
    "remove_key": ("remove", "Remove a key of the bus, and end all tokens that it signed."),
    "show_keys": ("show", "Show the public parts of the keys of the bus."),
    "new_key": ("new", "Create the key pair of a new system."),
}

_OWN_CALLS = {
    "calls": "Show the calls of one system, and why some were refused.",
    "quota": "Show how much of its quotas a system has used, and its agency of its storage quota.",
}

_REQUESTS = {
    "list": ("list_requests", "List what you may decide on now."),
    "show": ("show", "Show a request, who approved it, and what it would show."),
    "approve": ("approve", "Approve a request."),
    "deny": ("deny", "Deny a request."),
}

_ENDPOINTS = {
    "list": ("list_endpoints", "List webhook endpoints."),
    "show": (
        "show",
        "Show a webhook endpoint, its secrets without their values, and the last requests to it.",
    ),
    "create": ("create", "Create a webhook endpoint, and show its secret once."),
    "change": ("change", "Change the URL or the limits of a webhook endpoint."),
    "rotate-secret": ("rotate_secret", "Make a new secret, and show it once; the former ones count for a while."),
    "remove-secret": ("remove_secret", "End a former secret at once."),
    "test": ("send_test", "Send a test event, and say what became of it."),
    "pause": ("pause", "Stop sending to a webhook endpoint; what is due waits."),
    "resume": ("resume", "Send to a paused webhook endpoint again."),
    "delete": ("delete", "Delete a webhook endpoint."),
    "history": ("history", "Show who changed a webhook endpoint, when and what."),
}

_SUBSCRIPTIONS = {
    "list": ("list_subscriptions", "List subscriptions to events."),
    "show": ("show", "Show a subscription, and why it stands still."),
    "create": ("create", "Subscribe to events."),
    "pause": ("pause", "Stop the deliveries of a subscription; its events wait."),
    "resume": ("resume", "Deliver to a paused subscription again."),
    "replay": ("replay", "Deliver again from a time or a position."),
    "delete": ("delete", "End a subscription."),
    "history": ("history", "Show who changed a subscription, when and what."),
    "test": ("send_test", "Send a test event, and say what became of it."),
    "events": ("events", "Print the events of a subscription as they come."),
}

_FILES = {
    "upload": ("upload", "Upload a file that messages refer to."),
    "download": ("download", "Download a file."),
    "list": ("list_files", "List files, and what became of them."),
    "delete": ("delete", "Delete a file that no message refers to."),
}

_EVENTS = {
    "publish": ("publish", "Publish the events of a file."),
}

_MESSAGES = {
    "list": ("list_messages", "List accepted messages."),
    "show": ("show", "Show what became of a message, with its attempts."),
    "response": ("response", "Print the answer of a message."),
    "cancel": ("cancel", "Cancel a message that is not being delivered."),
    "retry": ("retry", "Deliver a message again that became a dead letter."),
}

_DEAD_LETTERS = {
    "list": ("list_letters", "List what could not be delivered."),
    "show": ("show", "Show a dead letter: why it could not be delivered, and each attempt."),
    "retry": ("retry", "Have dead letters delivered again."),
    "give-up": ("give_up", "Give a dead letter up; its payload is deleted."),
}

_SDK = {
    "python": "Generate a Python module that needs only the standard library.",
    "typescript": "Generate TypeScript types with openapi-typescript.",
    "java": "Generate a Java client with openapi-generator.",
}


def _add_infrastructure(app: App) -> None:
    """Add what configures the servers beside the gateways, and copies what they store."""
    _add_group(app, "backup", "Back up a running bus.", _BACKUP)
    app.command(
        "lgsp_gateway.cli.restore_commands:restore",
        name="restore",
        help="Restore a bus from a backup, on an empty machine.",
    )
    _add_group(app, "upgrade", "Prepare an upgrade or a downgrade.", _UPGRADE)
    nats = App(name="nats", help="Configure the NATS servers of a bus in production.")
    for function, (name, words) in _NATS.items():
        nats.command(f"lgsp_gateway.cli.nats_commands:{function}", name=name, help=words)
    nats.command(
        "lgsp_gateway.cli.nats_check_commands:check", name="check", help="Say what is wrong with running NATS servers."
    )
    app.command(nats)
    haproxy = App(name="haproxy", help="Configure the load balancer before the gateways of a bus in production.")
    haproxy.command(
        "lgsp_gateway.cli.haproxy_commands:config", name="config", help="Write the configuration of HAProxy."
    )
    app.command(haproxy)


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
    _add_installation(app)
    _add_registry(app)
    _add_group(app, "system", "Manage the keys, the client secret and the tokens of a system.", _SYSTEM)
    for name, words in _OWN_CALLS.items():
        app.command(f"lgsp_gateway.cli.own_call_commands:{name}", name=name, help=words)
    for name, words in _OPERATIONS.items():
        app.command(f"lgsp_gateway.cli.traffic_commands:{name}", name=name, help=words)
    app.command(
        "lgsp_gateway.cli.doctor_commands:doctor",
        name="doctor",
        help="Check the health of the bus, and say what to do about problems.",
    )
    _add_people(app)
    contract = app["contract"]
    contract.command(
        "lgsp_gateway.cli.local_commands:mock",
        name="mock",
        help="Serve generated answers of contracts, before a provider exists.",
    )
    for name, words in _ADAPTER.items():
        app["adapter"].command(f"lgsp_gateway.cli.adapter_commands:{name}", name=name, help=words)
    _add_group(app, "endpoints", "Manage the webhook endpoints of a system.", _ENDPOINTS)
    _add_group(app, "messages", "Follow the calls that are carried out later.", _MESSAGES)
    _add_group(app, "dead-letters", "Decide about what could not be delivered.", _DEAD_LETTERS)
    _add_group(app, "subscriptions", "Manage the subscriptions of a system to events.", _SUBSCRIPTIONS)
    _add_group(app, "files", "Upload and download files of a system.", _FILES)
    _add_group(app, "events", "Publish the events of a system.", _EVENTS)
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
    indexer.command(
        "lgsp_gateway.cli.indexer_commands:move_index",
        name="move",
        help="Fill another index beside the one that serves.",
    )
    app.command(indexer)
    keys = App(name="keys", help="Manage the keys of the bus, and make those of a new system.")
    for function, (name, words) in _KEYS.items():
        keys.command(f"lgsp_gateway.cli.gateway_commands:{function}", name=name, help=words)
    app.command(keys)
    _add_infrastructure(app)
    bench = App(name="bench", help="Measure the bus.")
    bench.command("lgsp_gateway.cli.bench_commands:up", name="up", help="Run a bus to be measured.")
    bench.command("lgsp_gateway.cli.bench_commands:report", name="report", help="Show the history of measurements.")
    app.command(bench)
    evidence = App(name="evidence", help="Search, prove, verify and archive the evidence.")
    for (module, name), words in _EVIDENCE.items():
        evidence.command(f"lgsp_gateway.cli.{module}:{name}", name=name, help=words)
    app.command(evidence)


def _add_installation(app: App) -> None:
    """Add what makes a bus in production, and installs it."""
    app.command("lgsp_gateway.cli.init_commands:init", name="init", help="Make the files of a new bus in production.")
    app.command("lgsp_gateway.cli.health_commands:health", name="health", help=_HEALTH)
    for name, words in _INSTALL.items():
        app.command(f"lgsp_gateway.cli.install_commands:{name}", name=name, help=words)
    app["adapter"].command(
        "lgsp_gateway.cli.adapter_install_commands:install",
        name="install",
        help="Install an adapter as a service of this machine.",
    )


def _add_registry(app: App) -> None:
    """Add what reads and changes the registry."""
    for name, words in _REGISTRY.items():
        app.command(f"lgsp_gateway.cli.registry_commands:{name}", name=name, help=words)
    app.command(
        "lgsp_gateway.cli.drift_commands:drift",
        name="drift",
        help="List the documents that differ from the files that they were applied from.",
    )
    app.command(
        "lgsp_gateway.cli.promote_commands:promote",
        name="promote",
        help="Move documents from another bus to this one, after showing the difference.",
    )
    app.command(
        "lgsp_gateway.cli.registry_step_commands:act_on_grant",
        name="grant",
        help="Approve, deny, suspend, resume, revoke or renew a grant.",
    )
    app.command(
        "lgsp_gateway.cli.registry_step_commands:act_on_service", name="service", help="Suspend or resume a service."
    )
    _add_group(app, "requests", "Decide about what waits for you.", _REQUESTS)


def _add_people(app: App) -> None:
    """Add what people sign in with, and what operators do with them."""
    for name, words in _SIGN_IN.items():
        app.command(f"lgsp_gateway.cli.login_commands:{name}", name=name, help=words)
    person = App(name="person", help="Manage the people who sign in.")
    for name, words in _PERSON.items():
        person.command(f"lgsp_gateway.cli.person_commands:{name}", name=name, help=words)
    app.command(person)
    _add_group(app, "user", "Manage the local users, who sign in with a password of the bus.", _USER)
    _add_group(app, "operators", "Invite operators with the keys of this machine.", _OPERATORS)


def _add_group(app: App, name: str, words: str, commands: Mapping[str, tuple[str, str]]) -> None:
    """Add a group of commands, whose functions stand in the module of its name: `system` in `system_commands`."""
    group = App(name=name, help=words)
    for command, (function, help_text) in commands.items():
        module = f"{name.removesuffix('s').replace('-', '_')}_commands"
        group.command(f"lgsp_gateway.cli.{module}:{function}", name=command, help=help_text)
    app.command(group)


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
