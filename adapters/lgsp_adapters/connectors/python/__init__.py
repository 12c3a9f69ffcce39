"""The connector `python`: a class of the integrator's own."""
