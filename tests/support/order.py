"""The order of files in a run of several processes: the longest first, so that none of them is begun when the others are done.

pytest-xdist gives each process the next file (`--dist loadfile`); by itself it takes those with the most tests first, which
are mostly quick, and the last minutes belong to one process with files of one long test each.
"""

from pathlib import Path

import pytest

LONGEST = (
    "tests/console/test_every_page.py",
    "tests/gateway/test_fast_path.py",
    "tests/console/test_messages.py",
    "tests/adapters/test_hostile_folders.py",
    "tests/end_to_end/test_up.py",
    "tests/console/test_flows.py",
    "tests/gateway/test_names_walk.py",
    "tests/console/test_sign_in_pages.py",
    "tests/evidence/test_search.py",
    "tests/console/test_subscriptions.py",
    "tests/faults/test_tasks.py",
    "tests/console/test_access.py",
    "tests/faults/test_adapters_misbehave.py",
    "tests/end_to_end/test_tutorial.py",
    "tests/console/test_adapters.py",
    "tests/faults/test_starting.py",
    "tests/console/test_evidence.py",
    "tests/gateway/test_notifications.py",
    "tests/console/test_registry_forms.py",
    "tests/faults/test_degraded_storage.py",
    "tests/console/test_my_data.py",
    "tests/adapters/test_life.py",
    "tests/console/test_health.py",
    "tests/evidence/test_archive.py",
    "tests/gateway/test_catalog_pages.py",
    "tests/console/test_forms.py",
    "tests/adapters/test_writing.py",
    "tests/adapters/test_provincial.py",
    "tests/gateway/test_attackers.py",
    "tests/observability/test_truth.py",
    "tests/faults/test_slow_connections.py",
    "tests/faults/test_call_clients.py",
    "tests/adapters/test_lookups.py",
    "tests/gateway/test_removed_keys.py",
    "tests/gateway/test_ended_tokens.py",
    "tests/gateway/test_adapter_drain.py",
    "tests/console/test_local_users.py",
    "tests/end_to_end/test_login.py",
    "tests/gateway/test_contract_life.py",
    "tests/faults/test_log_whole.py",
    "tests/contracts/test_asyncapi.py",
    "tests/gateway/test_large_documents.py",
    "tests/faults/test_nats_gone.py",
    "tests/gateway/test_replay.py",
    "tests/evidence/test_evidence_of_earlier_versions.py",
    "tests/end_to_end/test_registry_cli.py",
    "tests/faults/test_clock_jump_lockout.py",
    "tests/gateway/test_fuzz.py",
)
"""Files that take more than twenty seconds (`--durations=50 --junitxml=FILE` shows them), by their length; those that keep a chromium
busy alternate with those that mostly wait, so that each has a core."""
UNIT = "tests/unit/"


def longest_first(items: list[pytest.Item], root: Path) -> None:
    """Sort tests by their files: the longest, the others that start processes, and last those that start nothing."""
    ranks = {file: rank for rank, file in enumerate(LONGEST)}

    def rank(item: pytest.Item) -> tuple[bool, int]:
        file = item.path.relative_to(root).as_posix()
        return file.startswith(UNIT), ranks.get(file, len(ranks))

    items.sort(key=rank)
