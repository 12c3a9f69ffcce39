"""Root writes an invitation into a folder of the user of the gateways, who may have left links there."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lgsp_gateway.operate.bootstrap.invitation_file import FOLDER, Invitation, read_all
from lgsp_gateway.operate.bootstrap.new_bus_files import give_to
from lgsp_problems import Refusal

GATEWAYS = 61_234
"""A user that is none of this machine's."""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that every user gets to, with the keys of the gateways in it."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "nats").mkdir()
        (folder / "keys").mkdir(0o700)
        os.chown(folder / "keys", GATEWAYS, GATEWAYS)
        yield folder


def invitation() -> Invitation:
    return Invitation.new(["le.van.c=H49=Lê Văn C"], "Mất tài khoản")


def test_a_link_in_the_folder_of_keys_leads_root_nowhere(root: Path) -> None:
    keys, of_root = root / "keys", root / "of-root"
    of_root.mkdir(0o755)
    (keys / FOLDER).symlink_to(of_root)
    with pytest.raises(Refusal, match="cannot-start"):
        invitation().write_new(keys)
    assert (of_root.stat().st_uid, list(of_root.iterdir())) == (0, [])
    give_to((GATEWAYS, GATEWAYS), root)
    assert of_root.stat().st_uid == 0


def test_the_gateways_own_what_root_writes_for_them(root: Path) -> None:
    keys = root / "keys"
    file = invitation().write_new(keys)
    assert {one.stat().st_uid for one in (file, file.parent)} == {GATEWAYS}
    assert os.geteuid() == 0
    assert [one.file for one in read_all(keys)] == [file]
