"""The demonstration of `lgsp up`: three national databases, the portal, the e-document axis and five systems of a province's offices in a sandbox, and the
systems that call them.
"""

import base64
import os
import secrets
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import orjson

from lgsp_contracts import catalog as catalogs
from lgsp_gateway.local.citizen_issuer import DemoCitizen
from lgsp_gateway.local.environment import Environment
from lgsp_gateway.local.state_dir import StateDir
from lgsp_gateway.sessions.demo_sign_in import Newcomer
from lgsp_runtime import durable_file

_NATIONAL = {
    "population": ("USER", "SECRET", "AUTH_URL", "API_KEY"),
    "enterprise-registry": ("ACCESS_KEY", "SECRET_KEY"),
    "insurance": ("USERNAME", "PASSWORD"),
    "national-portal": ("USERNAME", "PASSWORD"),
}


_PROVINCIAL = (
    "land-parcels",
    "civil-servants",
    "health-records",
    "student-records",
    "construction-permits",
    "documents",
    "civil-registration",
    "vaccination",
)


def _offices(state: StateDir, ports: Mapping[str, int]) -> dict[str, str]:
    """Return the addresses of the offices' systems: databases in files, and one server that plays their REST systems."""
    files = {
        f"LGSP_{name}_URL": f"sqlite:///{(state.sandbox / file).absolute()}"
        for name, file in (
            ("LAND_PARCELS", "land-parcels.sqlite"),
            ("CIVIL_SERVANTS", "civil-servants.sqlite"),
            ("CIVIL_REGISTRATION", "civil-registration.sqlite"),
            ("VACCINATION", "vaccination.sqlite"),
        )
    }
    server = f"http://127.0.0.1:{ports['provincial']}"
    files["LGSP_CONSTRUCTION_PERMITS_FOLDER"] = str((state.sandbox / "construction-permits").absolute())
    files["LGSP_DOCUMENTS_DATABASE"] = f"sqlite:///{(state.root / 'documents.sqlite').absolute()}"
    key = durable_file.ensure(state.credentials / "documents.key", lambda: base64.b64encode(secrets.token_bytes(32)))
    files["LGSP_DOCUMENTS_KEY"] = key.decode()
    return {**files, "LGSP_HEALTH_RECORDS_URL": server, "LGSP_STUDENT_RECORDS_URL": server}


def example_call(url: str, state: StateDir) -> str:
    """Return a call to paste into a shell."""
    lgsp = os.environ.get("LGSP_COMMAND", "lgsp")
    where = "" if state.root == Path(".lgsp") else f" --state-dir {state.root}"
    operation = catalogs.load(catalogs.shipped_folder())["population", 1].operations["verify-citizen"]
    body = orjson.dumps(operation.example.request).decode()
    return "\n".join(
        (
            "Call the population database through the bus:",
            "",
            f"curl -s {url}/services/population/v1/verify-citizen \\",
            f'  -H "Authorization: Bearer $({lgsp} token mot-cua{where})" \\',
            "  -H 'Lgsp-Purpose: giai-quyet-tthc' -H 'Content-Type: application/json' \\",
            f"  -d '{body}'",
        )
    )


ENVIRONMENT = Environment(
    registry=Path(str(files("lgsp_gateway").joinpath("local/environments/demo.yaml"))),
    ready_message=example_call,
    adapters={"national": tuple(_NATIONAL), "provincial": _PROVINCIAL},
    sandboxes={
        **_NATIONAL,
        "document-axis": ("SYSTEMID", "SECRET"),
        "provincial": ("CLIENT", "SECRET", "USER", "PASSWORD"),
    },
    systems=_offices,
    with_secret=("du-lich", "mot-cua"),
    searchable=True,
    operator="van-hanh",
    officer=Newcomer("H49.61", ("officer",), "Trần Thị Hoa (lgsp up)"),
    administrator=Newcomer("H49.12", ("agency-admin",), "Phạm Văn Minh (lgsp up)"),
    providers={
        "provider": Newcomer("G01", ("agency-admin",), "Lê Quốc Hùng (lgsp up)"),
        "insurance": Newcomer("G12", ("agency-admin",), "Vũ Thị Lan (lgsp up)"),
    },
    citizens=(DemoCitizen("022093001234", "Nguyễn Văn An"), DemoCitizen("022195001235", "Trần Thị Bình")),
)
