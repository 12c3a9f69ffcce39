"""The connector `rows`: a system that drops files, each row of which calls a service."""
