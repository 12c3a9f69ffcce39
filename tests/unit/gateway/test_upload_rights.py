"""Who may upload what: it follows the validity of grants, also while the registry stays as it is."""

import pytest
from support.filings import CONTRACT, GRANTS

from lgsp_contracts.names import SystemName, document_name
from lgsp_gateway.delivery.files.upload_rights import UploadRights
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.indexed_documents import read_grant
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal

ALPHA = SystemName("alpha")


def test_a_grant_that_has_ended_lets_nobody_upload() -> None:
    registry = RegistrySnapshot()
    spec = {"contract": CONTRACT}
    status = {"phase": "published"}
    version = DocumentVersion.of("Service", document_name("Service", "filings-v1"), spec, 1, 0, "operator", "", status)
    registry.apply(version)
    grant = read_grant("alpha-filings", GRANTS[0]["spec"], {"phase": "in-force"})
    registry.grants.put(grant)
    rights = UploadRights(registry, 1 << 40)
    with pytest.raises(Refusal, match="no grant"):
        rights.check(ALPHA, "application/pdf", 100, grant.valid_from - 1)
    for now in (grant.valid_from, grant.valid_until - 1):
        rights.check(ALPHA, "application/pdf", 100, now)
    with pytest.raises(Refusal, match="no grant"):
        rights.check(ALPHA, "application/pdf", 100, grant.valid_until)
