"""Sentences of commands in the language of the terminal."""

from lgsp_contracts.cli.terminal import language
from lgsp_problems import Text


def plural(number: int, one: str, several: str) -> str:
    """Return the word for a number of things in English, such as `event` and `events`. Vietnamese needs none."""
    return one if number == 1 else several


def localized(vi: str, en: str) -> str:
    """Return the one of two texts that the terminal's language asks for."""
    return Text(vi, en).in_language(language())
