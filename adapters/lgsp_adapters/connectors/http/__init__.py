"""The connector `http`: a system that speaks JSON over HTTP."""
