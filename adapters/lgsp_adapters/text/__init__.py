"""Texts that other systems wrote: their characters, their spellings, and how two of them are compared."""
