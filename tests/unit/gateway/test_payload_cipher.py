"""How payloads are encrypted before they are stored."""

import pytest

from lgsp_gateway.delivery.storage.payload_cipher import (
    OVERHEAD_BYTES,
    PayloadCipher,
    UnknownKeyError,
    UnreadablePayloadError,
)

OLD, NEW = bytes(32), bytes(range(32))


def test_a_payload_is_read_under_its_subject_alone() -> None:
    cipher = PayloadCipher(lambda: {1: OLD})
    stored = cipher.encrypt("work.a", b"022093001234")
    assert b"022093001234" not in stored
    assert len(stored) == 12 + OVERHEAD_BYTES
    assert stored != cipher.encrypt("work.a", b"022093001234")
    assert cipher.decrypt("work.a", stored) == b"022093001234"
    for subject, changed in (
        ("work.b", stored),
        ("work.a", stored[:-1] + b"x"),
        ("work.a", b"{}"),
        ("work.a", b"\x01"),
    ):
        with pytest.raises(UnreadablePayloadError):
            cipher.decrypt(subject, changed)
    assert cipher.encrypt("work.a", b"") == cipher.decrypt("work.a", b"") == b""


def test_a_new_key_is_used_and_the_old_one_still_reads() -> None:
    keys = {1: OLD}
    before = PayloadCipher(lambda: keys)
    stored = before.encrypt("s", b"x")
    keys[2] = NEW
    after = PayloadCipher(lambda: keys)
    assert after.decrypt("s", stored) == b"x"
    assert before.decrypt("s", after.encrypt("s", b"y")) == b"y", "a gateway that was not restarted yet finds the key"
    del keys[1]
    with pytest.raises(UnreadablePayloadError, match="no key 1"):
        PayloadCipher(lambda: keys).decrypt("s", stored)


def test_what_is_encrypted_by_a_key_that_is_being_written_can_be_read_afterwards() -> None:
    keys = {1: OLD}
    waiting = PayloadCipher(lambda: keys)
    stored = PayloadCipher(lambda: {1: OLD, 2: NEW}).encrypt("s", b"x")
    for content in (None, b"", NEW[:16] + b"x"):
        if content is not None:
            keys[2] = content
        with pytest.raises(UnknownKeyError):
            waiting.decrypt("s", stored)
    keys[2] = NEW
    assert waiting.decrypt("s", stored) == b"x"
