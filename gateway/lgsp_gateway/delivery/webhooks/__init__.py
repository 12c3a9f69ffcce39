"""Webhooks: endpoints of systems, and the signed HTTP requests that are sent to them."""
