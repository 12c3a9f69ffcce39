"""The order of files in a run of several processes: the longest first, so that none of them is begun when the others are done.

pytest-xdist gives each process the next file (`--dist loadfile`); by itself it takes those with the most tests first, which
are mostly quick, and the last minutes belong to one process with files of one long test each.
"""

from pathlib import Path

import pytest

LONGEST = (
    "tests/console/test_keyboard.py",
    "tests/adapters/test_hostile_folders.py",
    "tests/console/test_every_page.py",
    "tests/end_to_end/test_up.py",
    "tests/console/test_messages.py",
    "tests/gateway/test_names_walk.py",
    "tests/console/test_requesting_grants.py",
    "tests/faults/test_degraded_storage.py",
    "tests/console/test_sign_in_pages.py",
    "tests/evidence/test_search.py",
    "tests/console/test_subscriptions.py",
    "tests/evidence/test_archive.py",
    "tests/console/test_access.py",
    "tests/faults/test_tasks.py",
    "tests/console/test_adapters.py",
    "tests/gateway/test_fast_path.py",
    "tests/console/test_many_tabs.py",
    "tests/backup/test_restored_bus.py",
    "tests/console/test_flows.py",
    "tests/end_to_end/test_nats_check.py",
    "tests/console/test_registry_forms.py",
    "tests/end_to_end/test_login.py",
    "tests/console/test_my_data.py",
    "tests/faults/test_starting.py",
    "tests/console/test_evidence.py",
    "tests/observability/test_truth.py",
    "tests/console/test_health.py",
    "tests/gateway/test_notifications.py",
    "tests/console/test_forms.py",
    "tests/end_to_end/test_tutorial.py",
    "tests/keys/test_log_key_rotation.py",
    "tests/cluster/test_small_cluster.py",
    "tests/faults/test_slow_connections.py",
    "tests/backup/test_places.py",
    "tests/adapters/test_life.py",
    "tests/delivery/test_lanes.py",
    "tests/gateway/test_replay.py",
    "tests/end_to_end/test_registry_cli.py",
    "tests/delivery/test_file_keeping.py",
    "tests/gateway/test_rights.py",
    "tests/faults/test_registry_follows.py",
    "tests/evidence/test_evidence_of_earlier_versions.py",
    "tests/install/test_init.py",
    "tests/gateway/test_removed_keys.py",
    "tests/contracts/test_asyncapi.py",
    "tests/faults/test_call_clients.py",
    "tests/cluster/test_load_balancer.py",
    "tests/faults/test_clock_jump_lockout.py",
    "tests/faults/test_nats_rights.py",
    "tests/gateway/test_api_description.py",
    "tests/delivery/test_messages.py",
    "tests/gateway/test_attackers.py",
    "tests/cluster/test_one_becomes_three.py",
    "tests/faults/test_log_whole.py",
    "tests/adapters/test_lookups.py",
    "tests/faults/test_floods.py",
    "tests/gateway/test_adapter_drain.py",
    "tests/adapters/test_watched_files.py",
    "tests/install/test_deployments.py",
    "tests/faults/test_delivery_killed.py",
    "tests/faults/test_clocks.py",
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
