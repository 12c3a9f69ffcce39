"""The check of the certificates that a gateway uses."""

import time
from pathlib import Path

from support.authority import Authority

from lgsp_gateway.observability.certificate_checks import CertificateChecks


async def test_a_certificate_that_cannot_be_read_fails_the_check(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own, trusted = tmp_path / "cert.pem", authority.path
    authority.issue(days=30)
    checks = CertificateChecks([own])
    check = checks.by_name()["certificates"]
    assert await check() is None
    assert checks.ends()[str(own)] > time.time() + 20 * 86_400
    authority.issue(days=3)
    assert checks.ends()[str(own)] < time.time() + 4 * 86_400
    own.write_text("none")
    found = await CertificateChecks([own, trusted]).by_name()["certificates"]()
    assert found is not None
    assert "cannot be read" in found.en
    assert str(trusted) not in found.en


async def test_of_authorities_the_last_one_counts(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("old", "new")]
    for folder in folders:
        folder.mkdir()
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("".join(Authority(folder).path.read_text() for folder in folders))
    ends = CertificateChecks([bundle]).ends()
    assert list(ends) == [str(bundle)]
