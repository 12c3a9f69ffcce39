"""Tests that `./lgsp test --cluster` leaves out, each with its reason: what they look at is one server, and not what callers see."""

import pytest

from support.nats_servers import COUNT

ONE_SERVER = "it looks at the one server's process, log or disk"
OWN_SERVER = "it starts a nats-server of its own, which is one"
NATS_CLIENT = "it gives nats-py the address of one server"
RAFT_LOG = "what was erased is in the log of the cluster until that is compacted (docs/operate/security.md)"

LEFT_OUT = {
    "gateway/test_sign_in.py::test_nothing_of_a_person_is_in_what_is_kept_for_ever": RAFT_LOG,
    "gateway/test_sign_in.py::test_nothing_is_left_of_what_was_replaced_before_a_person_ended": RAFT_LOG,
    "gateway/test_cost_of_a_call.py": "system calls are counted with the one server's part in them",
    "delivery/test_storage_bounds.py": ONE_SERVER,
    "faults/test_full_disk.py": ONE_SERVER,
    "faults/test_paused.py": ONE_SERVER,
    "faults/test_lazy_disk.py": OWN_SERVER,
    "faults/test_starting.py": OWN_SERVER,
    "faults/test_nats_rights.py::test_an_adapter_drains_no_other": NATS_CLIENT,
    "faults/test_nats_rights.py::test_an_adapter_of_ours_is_present": NATS_CLIENT,
    "faults/test_synced_before_accepted.py": ONE_SERVER,
    "faults/test_bootstrap_killed.py": ONE_SERVER,
    "faults/test_nats_credentials.py": NATS_CLIENT,
    "faults/test_tls.py": OWN_SERVER,
}
"""By the beginning of a test's id below `tests/`."""


def reason_to_leave_out(test: str) -> str:
    """Return why a test, by its id below `tests/`, is left out; "" where it is not."""
    return next((reason for name, reason in LEFT_OUT.items() if test.startswith(name)), "")


def leave_out(items: list[pytest.Item]) -> None:
    """Skip what a cluster cannot run, where the tests run on one."""
    if COUNT == 1:
        return
    for item in items:
        if reason := reason_to_leave_out(item.nodeid.removeprefix("tests/")):
            item.add_marker(pytest.mark.skip(reason=f"left out of a cluster: {reason}"))
