"""The bus's own HTTP interface for calls."""
