"""Where a command takes the contract of a service from: a file, a bus, or the contracts that come with lgsp.

A bus shows a listed service to everybody, so it is asked without a token unless one is given.
"""

from dataclasses import dataclass
from pathlib import Path

import orjson
from cyclopts import Parameter

from lgsp_contracts import catalog as catalogs
from lgsp_contracts import names
from lgsp_contracts.contract import Contract
from lgsp_gateway.cli.bus_client import BusAddress, BusOptions
from lgsp_gateway.local.state_dir import StateDir
from lgsp_problems import NotFound


@Parameter(name="*")
@dataclass
class CatalogueOptions(BusOptions):
    """Which bus to ask for a contract, and as whom.

    Parameters
    ----------
    state_dir
        The folder of the local bus.
    url
        The address of a remote bus.
    as_
        The system that asks, for a service that is not listed, by its key in the folder of the local bus or SYSTEM.pem in the working directory.
    as_key
        The private key (PEM or JWK) of that system, where it is in another file.
    access_token
        An access token, instead of --as; by default that in LGSP_TOKEN.
    """

    @property
    def names_bus(self) -> bool:
        """Return whether there is a bus to ask: an address is given, or a local one runs."""
        return bool(self.url) or StateDir(self.state_dir).running_file.exists()

    def fetch(self, service: str, major: int) -> bytes:
        """Return the contract of a service as the bus publishes it, as JSON.

        Raises:
            Refusal: `unknown-service`, `bus-not-found`, or what the bus refuses with.
        """
        return self.client().get(f"/catalog/services/{names.service_name(service)}/v{major}/contract.json")

    def default_token(self, address: BusAddress) -> str:
        """Return none: a listed service is shown to everybody."""
        return ""


def find_contract(service: str, major: int, file: Path | None, bus: CatalogueOptions) -> Contract:
    """Return the contract of a service: from a file or folder where one is given, else from the bus, else from those of lgsp.

    Raises:
        Refusal: `not-found`, `unknown-service`, `invalid-document` or `bus-not-found`.
    """
    name = names.service_name(service)
    if file is None and bus.names_bus:
        return Contract.from_document(orjson.loads(bus.fetch(name, major)), f"{name} v{major}")
    catalog = catalogs.load(file or catalogs.shipped_folder())
    selected = catalog.get((name, major))
    if selected is None:
        available = ", ".join(f"{known} v{number}" for known, number in sorted(catalog))
        raise NotFound(
            vi=f"Không có hợp đồng {name} v{major} trong số: {available}; hãy chọn một trong đó, nêu tệp bằng --contract TỆP, hoặc hỏi một trục bằng --url ĐỊA_CHỈ.",
            en=f"There is no contract {name} v{major} among: {available}; choose one of them, name a file with --contract FILE, or ask a bus with --url ADDRESS.",
        )
    return selected
