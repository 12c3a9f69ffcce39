"""`lgsp completion`: what a shell needs to complete commands and options."""

from typing import Literal

from lgsp_contracts.cli.terminal import out
from lgsp_gateway.cli.main import application


def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
    """Print the completion script of a shell. Write it again after an upgrade.

    bash: `lgsp completion bash > ~/.local/share/bash-completion/completions/lgsp`.
    zsh: `lgsp completion zsh > "${fpath[1]}/_lgsp"`.
    fish: `lgsp completion fish > ~/.config/fish/completions/lgsp.fish`.

    Parameters
    ----------
    shell
        The shell.
    """
    out(application().generate_completion(prog_name="lgsp", shell=shell))
