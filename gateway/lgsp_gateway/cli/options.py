"""Options that many commands share, each with its environment variable: `export LGSP_STATE_DIR=…` once instead of an option each time."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lgsp_problems import Refusal
from lgsp_runtime.state_paths import STATE_VARIABLE

TOKEN_VARIABLE = "LGSP_TOKEN"  # noqa: S105 - the name of a variable

StateFolder = Annotated[Path, Parameter(env_var=STATE_VARIABLE)]
"""The folder of a local bus."""

Url = Annotated[str, Parameter(env_var="LGSP_URL")]
"""The address of a remote bus; empty for the local one."""

AccessToken = Annotated[str, Parameter(name="--token")]
"""An access token. `given_token` also looks at the environment, after `--as`."""


def given_token(as_: str, access_token: str) -> str:
    """Return the access token with which a command asks; empty where it asks as the system that `--as` names, or nobody is named.

    What stands on the command line comes before the environment: whoever names a system is never served as somebody else.

    Raises:
        Refusal: `token-invalid`, when `--as` and `--token` are both given.
    """
    if as_ and access_token:
        raise Refusal(
            "token-invalid",
            vi="Có cả --as và --token, nên không rõ ai gọi; hãy bỏ một trong hai.",
            en="Both --as and --token are given, so it is not clear who asks; leave one of them out.",
        )
    return access_token or ("" if as_ else os.environ.get(TOKEN_VARIABLE, ""))
