"""Sentences of commands in the language of the terminal."""

from lgsp_contracts.cli.terminal import language
from lgsp_problems import Text


def localized(vi: str, en: str) -> str:
    """Return the one of two texts that the terminal's language asks for."""
    return Text(vi, en).in_language(language())
