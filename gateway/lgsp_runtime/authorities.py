"""Trusts private certificate authorities for every connection of a process: to gateways, NATS, issuers, mail servers, databases, S3.

A province's own authority would otherwise have to be named for each of them, and the one that was forgotten fails in production. Each
library asks OpenSSL for the authorities of the machine, some of them (aiohttp) when they are imported. So the file is named to OpenSSL,
by its variable `SSL_CERT_FILE`, before any of them is; the machine's own authorities stay trusted.
"""

import atexit
import os
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lgsp_problems import CannotStart

OPTION = "--ca"
VARIABLE = "LGSP_CA"

_OPENSSL = "SSL_CERT_FILE"
_LIBRARIES = ("AWS_CA_BUNDLE", "PGSSLROOTCERT")
"""What libraries read that do not ask OpenSSL: of S3, and of PostgreSQL."""


def take_option(arguments: Sequence[str]) -> tuple[list[str], str]:
    """Split `--ca FILE` off the arguments of a command; where it is missing, `LGSP_CA` counts.

    Returns:
        The other arguments, and the file; "" for none.

    Raises:
        Refusal: `cannot-start`, where the option names no file.
    """
    others, file, given = list[str](), os.environ.get(VARIABLE, ""), iter(arguments)
    for argument in given:
        name, equals, value = argument.partition("=")
        if argument == "--":
            others += [argument, *given]
        elif name == OPTION:
            file = value if equals else next(given, "")
            if not file:
                raise CannotStart(
                    vi="--ca cần đường dẫn của tệp chứng thư (PEM) của nơi cấp; hãy nêu tệp đó.",
                    en="--ca takes the path of a file of certificate authorities (PEM); name it.",
                )
        else:
            others.append(argument)
    return others, file


def trust(file: Path) -> None:
    """Trust the authorities in a file for every connection that this process and those that it starts make from now on.

    Args:
        file: certificates (PEM).

    Raises:
        Refusal: `cannot-start`, where it holds none.
    """
    try:
        probe = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        probe.load_verify_locations(file)
        bundle = _with_those_of_the_machine(file)
    except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
        raise CannotStart(
            vi=f"Không dùng được tệp {file} của nơi cấp chứng thư: {error}; hãy kiểm tra đường dẫn, quyền và định dạng PEM.",
            en=f"Cannot use the certificate authorities in {file}: {error}; check its path, its permissions and its PEM format.",
        ) from error
    os.environ[VARIABLE] = str(file)
    os.environ[_OPENSSL] = str(bundle)
    for variable in _LIBRARIES:
        os.environ.setdefault(variable, str(bundle))


def _with_those_of_the_machine(file: Path) -> Path:
    """Return a file with the authorities and with those that `SSL_CERT_FILE` takes the place of."""
    machine = ssl.get_default_verify_paths().cafile
    if (
        not machine or Path(machine).resolve() == file.resolve()
    ):  # Debian keeps them in a folder, which is read all the same
        return file
    content = file.read_bytes() + b"\n" + Path(machine).read_bytes()
    descriptor, name = tempfile.mkstemp(prefix="lgsp-ca-", suffix=".pem")
    with os.fdopen(descriptor, "wb") as bundle:
        bundle.write(content)
    maker = os.getpid()
    atexit.register(lambda: Path(name).unlink(missing_ok=True) if os.getpid() == maker else None)
    return Path(name)
