"""The connector `rows`: a system that delivers files, each row of which calls a service."""
