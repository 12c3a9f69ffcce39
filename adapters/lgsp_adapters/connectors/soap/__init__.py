"""The connector `soap`: a system that speaks SOAP."""
