"""Which issuer is for whom: staff, citizens or both."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lgsp_auth.trusted_issuer import Issuer
from lgsp_gateway.sessions.issuers import load_sign_in
from lgsp_problems import Refusal

STAFF, CITIZENS = "https://id.quangninh.gov.vn", "https://vneid.gov.vn"


def loaded(folder: Path, name: str, *doors: str, citizens: bool) -> tuple[bool, bool]:
    sign_in: dict[str, Any] = {"client": "lgsp-cli", **({"for": list(doors)} if doors else {})}
    file = folder / "issuers.yaml"
    entry = {"issuer": name, "audience": "lgsp", "algorithms": ["ES256"], "signIn": sign_in}
    file.write_text(yaml.safe_dump({"issuers": [entry]}))
    people = {"person_claim": "so_dinh_danh", "person_kind": "citizen"} if citizens else {}
    [one] = load_sign_in(file, {name: Issuer(name, ("ES256",), lambda _: None, **people)})
    return one.staff, one.citizens


def test_an_issuer_of_citizens_is_for_them_and_any_other_for_staff_unless_it_says_so(tmp_path: Path) -> None:
    assert loaded(tmp_path, STAFF, citizens=False) == (True, False)
    assert loaded(tmp_path, CITIZENS, citizens=True) == (False, True)
    assert loaded(tmp_path, CITIZENS, "staff", "citizens", citizens=True) == (True, True)
    assert loaded(tmp_path, CITIZENS, "staff", citizens=True) == (True, False)


def test_an_issuer_that_names_no_citizen_is_not_for_them(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="people of the kind citizen"):
        loaded(tmp_path, STAFF, "citizens", citizens=False)


def test_two_issuers_have_no_callback_address_in_common(tmp_path: Path) -> None:
    names = ("https://id.quangninh.gov.vn/a", "https://id.quangninh.gov.vn/a/")
    sign_in = {"audience": "lgsp", "algorithms": ["ES256"], "signIn": {"client": "lgsp-cli"}}
    file = tmp_path / "issuers.yaml"
    file.write_text(yaml.safe_dump({"issuers": [{"issuer": name, **sign_in} for name in names]}))
    with pytest.raises(Refusal, match="callback address"):
        load_sign_in(file, {name: Issuer(name, ("ES256",), lambda _: None) for name in names})
