"""Origins of logs: unique in the world, and no log is taken for the one that it says it goes on from."""

import pytest

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.verify.checkpoint import Predecessor
from lgsp_gateway.evidence.verify.log_keys import LogKeys, find_log_keys
from lgsp_gateway.evidence.verify.log_part import verify_log_part
from lgsp_gateway.evidence.verify.merkle import Tree
from lgsp_gateway.evidence.verify.origins import gateway_of, origin_of, parse_domain
from lgsp_gateway.evidence.verify.signers import Signer
from lgsp_problems import Refusal

GW = GatewayName("gw-1")
SEED, OTHER = b"\x07" * 32, b"\x08" * 32
OLD, NEW = Signer("lgsp/gw-1", SEED), Signer("lgsp.quangninh.gov.vn/gw-1", SEED)
ENTRIES = [b"%d" % number for number in range(9)]


def tree(size: int) -> Tree:
    grown = Tree()
    for entry in ENTRIES[:size]:
        grown.append(entry)
    return grown


def cited(size: int, origin: str = "lgsp/gw-1") -> Predecessor:
    return Predecessor(origin, size, tree(size).root())


def signed(signer: Signer, size: int, *continues: Predecessor) -> str:
    return signer.sign(size, tree(size).root(), continues)


@pytest.mark.parametrize("domain", ["lgsp.quangninh.gov.vn", "a.vn", "x-1.xn--vn-abc.vn"])
def test_a_domain_names_the_logs_of_an_instance(domain: str) -> None:
    assert gateway_of(origin_of(GW, parse_domain(domain))) == GW


@pytest.mark.parametrize(
    "domain", ["", "lgsp", "Lgsp.gov.vn", "a..vn", "a.vn/x", "a.vn\n", "-a.vn", "a b.vn", "10.0.0.1", "x" * 300]
)
def test_what_is_no_domain_names_none(domain: str) -> None:
    with pytest.raises(Refusal):
        parse_domain(domain)
    if domain != "lgsp":
        with pytest.raises(Refusal):
            gateway_of(f"{domain}/gw-1")


def test_a_log_is_verified_over_its_change_of_origin_by_either_key() -> None:
    notes = [signed(OLD, 2), signed(OLD, 4), signed(NEW, 6, cited(4)), signed(NEW, 9, cited(4))]
    for keys in (LogKeys([OLD.key]), LogKeys([OLD.key, NEW.key])):
        assert verify_log_part(ENTRIES, notes, keys).origin == NEW.key.name
    assert verify_log_part(ENTRIES, notes[2:], LogKeys([NEW.key])).size == 9


@pytest.mark.parametrize(
    ("notes", "why"),
    [
        ([signed(OLD, 4), NEW.sign(9, tree(9).root(), (Predecessor("lgsp/gw-1", 4, tree(3).root()),))], "was changed"),
        ([signed(NEW, 9, cited(4)), signed(OLD, 6)], "went on as lgsp/gw-1 after"),
        ([signed(OLD, 4), signed(NEW, 9)], "none of the keys"),  # it cites nothing
        ([signed(OLD, 4), signed(Signer(NEW.key.name, OTHER), 9, cited(4))], "not signed by this key"),
        ([signed(OLD, 4), signed(Signer("a.vn/gw-2", SEED), 9, cited(4))], "none of the keys"),
        ([signed(NEW, 4, cited(9))], "none of the keys"),  # cites what is longer than itself
    ],
)
def test_a_log_that_is_not_what_it_says_is_found_out(notes: list[str], why: str) -> None:
    with pytest.raises(Refusal, match=why) as refused:
        verify_log_part(ENTRIES, notes, LogKeys([OLD.key]))
    assert refused.value.code == "evidence-forged"


def test_keys_of_other_instances_are_other_logs() -> None:
    theirs = Signer("lgsp.langson.gov.vn/gw-1", OTHER)
    keys = [theirs.key, NEW.key, OLD.key]
    assert len(LogKeys.group(keys)) == 2
    found = find_log_keys(keys, signed(NEW, 3))
    assert found
    assert {key.name for key in found} == {NEW.key.name, OLD.key.name}
    with pytest.raises(Refusal, match="none of the keys"):
        found.verify(signed(theirs, 3))


def test_an_extension_line_that_is_not_ours_is_passed_over() -> None:
    text, _, signature = signed(OLD, 3).partition("\n\n")
    assert LogKeys([OLD.key]).matches(f"{text}\nof somebody else\n\n{signature}")
    assert not LogKeys([OLD.key]).matches(f"{text}\ncontinues nothing\n\n{signature}")
