"""Options that many commands share, each with its environment variable: `export LGSP_STATE_DIR=…` once instead of an option each time."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from cyclopts import Parameter

from lgsp_problems import Refusal
from lgsp_runtime.loopback import is_loopback
from lgsp_runtime.state_paths import STATE_VARIABLE

TOKEN_VARIABLE = "LGSP_TOKEN"  # noqa: S105 - the name of a variable

StateFolder = Annotated[Path, Parameter(env_var=STATE_VARIABLE)]
"""The folder of a local bus."""

URL_VARIABLE = "LGSP_URL"

Url = Annotated[str, Parameter(env_var=URL_VARIABLE)]
"""The address of a remote bus; empty for the local one."""

AccessToken = Annotated[str, Parameter(name="--token")]
"""An access token. `given_token` also looks at the environment, after `--as`."""


def given_token(as_: str, access_token: str, url: str) -> str:
    """Return the access token with which a command asks; empty where it asks as the system that `--as` names, or nobody is named.

    What stands on the command line comes before the environment: whoever names a system is never served as somebody else. The token of
    the environment belongs to the bus of the environment, `LGSP_URL`, or to one on this machine: whoever answers elsewhere could use it.

    Args:
        url: of the bus that is asked; "" for the local one.

    Raises:
        Refusal: `token-invalid`, when `--as` and `--token` are both given, or the token of the environment is for another bus.
    """
    if as_ and access_token:
        raise Refusal(
            "token-invalid",
            vi="Có cả --as và --token, nên không rõ ai gọi; hãy bỏ một trong hai.",
            en="Both --as and --token are given, so it is not clear who asks; leave one of them out.",
        )
    token = "" if as_ or access_token else os.environ.get(TOKEN_VARIABLE, "")
    if token and not _is_of_environment(url):
        raise Refusal(
            "token-invalid",
            vi=f"Mã trong {TOKEN_VARIABLE} không được gửi tới {url}, vì nó thuộc về trục ở {URL_VARIABLE}; hãy đặt {URL_VARIABLE}={url}, hoặc nêu mã bằng --token.",
            en=f"The token in {TOKEN_VARIABLE} is not sent to {url}, since it belongs to the bus of {URL_VARIABLE}; set {URL_VARIABLE}={url}, or give the token by --token.",
        )
    return access_token or token


def _is_of_environment(url: str) -> bool:
    asked, named = urlsplit(url), urlsplit(os.environ.get(URL_VARIABLE, ""))
    if not url or is_loopback(asked.hostname or ""):
        return True
    return (asked.scheme, asked.netloc) == (named.scheme, named.netloc)
