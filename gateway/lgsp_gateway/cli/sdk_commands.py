"""`lgsp sdk …`: typed clients of services.

That for Python is ours, one module without dependencies; others are made by the generators that their developers know
(docs/decisions/035).
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import orjson
from cyclopts import Parameter

from lgsp_contracts.cli.terminal import Output, out, write_output
from lgsp_contracts.contract import Contract
from lgsp_contracts.tooling.openapi import openapi
from lgsp_contracts.tooling.sdk_python import module
from lgsp_gateway.cli.contract_source import CatalogueOptions, find_contract
from lgsp_problems import CannotStart

NewPlace = Annotated[Path | None, Parameter(name=["--output", "-o"])]
_ANY_BUS = "http://127.0.0.1:8080"
_TYPESCRIPT = "openapi-typescript"
_TYPESCRIPT_VERSION = "7"
_JAVA = "openapi-generator-cli"


def python(
    service: str,
    /,
    *,
    output: Output = None,
    major: int = 1,
    contract: Path | None = None,
    bus: CatalogueOptions = CatalogueOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Generate a typed client of a service: one Python module that needs only the standard library.

    Parameters
    ----------
    service
        The name of the service.
    output
        The file to write; stdout by default.
    major
        The major version.
    contract
        A contract, or a folder of contracts. By default the bus is asked, or where none is there the contracts that come with lgsp.
    """
    write_output(module(find_contract(service, major, contract, bus)), output)


def typescript(
    service: str,
    /,
    *,
    output: NewPlace = None,
    major: int = 1,
    contract: Path | None = None,
    bus: CatalogueOptions = CatalogueOptions(),  # noqa: B008 - as above
) -> None:
    """Generate the TypeScript types of a service with openapi-typescript, which runs in Node; call it with openapi-fetch.

    Parameters
    ----------
    service
        The name of the service.
    output
        The file to write; SERVICE.d.ts by default.
    major
        The major version.
    contract
        A contract, or a folder of contracts. By default the bus is asked, or where none is there the contracts that come with lgsp.
    """
    found = find_contract(service, major, contract, bus)
    target = (output or Path(f"{found.service}.d.ts")).absolute()
    generator = shutil.which(_TYPESCRIPT)
    npx = shutil.which("npx")
    if generator is None and npx is None:
        raise _no_generator(_TYPESCRIPT, "Node (https://nodejs.org)")
    command = [generator] if generator else [str(npx), "--yes", f"{_TYPESCRIPT}@{_TYPESCRIPT_VERSION}"]
    _generate(found, bus.url, lambda document: [*map(str, command), document, "-o", str(target)])
    out(
        f"{target}: the types of {found.service} {found.version}; to call the service with them: npm install openapi-fetch\n"
    )


def java(
    service: str,
    /,
    *,
    output: NewPlace = None,
    major: int = 1,
    contract: Path | None = None,
    bus: CatalogueOptions = CatalogueOptions(),  # noqa: B008 - as above
) -> None:
    """Generate a Java client of a service with openapi-generator, as a Maven project that uses java.net.http.

    Parameters
    ----------
    service
        The name of the service.
    output
        The folder to write; SERVICE-client by default.
    major
        The major version.
    contract
        A contract, or a folder of contracts. By default the bus is asked, or where none is there the contracts that come with lgsp.
    """
    found = find_contract(service, major, contract, bus)
    target = (output or Path(f"{found.service}-client")).absolute()
    generator = shutil.which(_JAVA)
    if generator is None:
        raise _no_generator(_JAVA, f"pip install {_JAVA}")
    package = f"lgsp.{found.service.replace('-', '_')}"
    options = (
        *("-g", "java", "--library", "native", "--group-id", "lgsp", "--artifact-id", f"{found.service}-client"),
        *("--invoker-package", package, "--api-package", f"{package}.api", "--model-package", f"{package}.model"),
        "--additional-properties=openApiNullable=false,hideGenerationTimestamp=true",
    )
    _generate(found, bus.url, lambda document: [generator, "generate", "-i", document, "-o", str(target), *options])
    out(f"{target}: a client of {found.service} {found.version}, package {package}\n")


def _generate(contract: Contract, url: str, command: Callable[[str], list[str]]) -> None:
    """Run a generator on the OpenAPI document of a contract."""
    with tempfile.TemporaryDirectory(prefix="lgsp-sdk-") as folder:
        document = Path(folder) / f"{contract.service}.json"
        document.write_bytes(orjson.dumps(openapi(contract, url or _ANY_BUS)))
        done = subprocess.run(  # noqa: S603 - a generator that the user installed
            command(str(document)), capture_output=True, text=True, check=False
        )
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()
        last = reason[-1] if reason else str(done.returncode)
        raise CannotStart(
            vi=f"Bộ sinh mã không chạy được ({last}); hãy chạy nó với tài liệu của `lgsp contract openapi` để xem toàn bộ lỗi.",
            en=f"The generator failed ({last}); run it on the document of `lgsp contract openapi` to see all of its message.",
        )


def _no_generator(name: str, source: str) -> CannotStart:
    return CannotStart(
        vi=f"Không có {name} trên máy này; hãy cài nó: {source}.",
        en=f"{name} is not on this machine; install it: {source}.",
    )
