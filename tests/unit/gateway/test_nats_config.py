"""The configuration of the embedded nats-server."""

import json
import shutil
from pathlib import Path

from lgsp_gateway.local import nats_config
from lgsp_gateway.local.state_dir import StateDir


def test_what_is_stored_already_takes_nothing_from_what_may_be_stored(tmp_path: Path) -> None:
    """By itself the server would take three quarters of what is free at each start, and refuse everything once it has stored more."""
    state = StateDir(tmp_path)
    state.make()
    stored = nats_config.storage(state) / "jetstream" / "1.blk"
    stored.parent.mkdir(parents=True)
    with stored.open("wb") as file:
        file.truncate(1 << 40)  # takes no space
    config = json.loads(nats_config.write(state, [(4222, 0)], "A")[0].config.read_text())
    free = shutil.disk_usage(tmp_path).free
    assert (1 << 40) + free // 2 < config["jetstream"]["max_file_store"] < (1 << 40) + free
