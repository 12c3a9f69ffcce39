"""HTTP to a provider's system; `Upstream` is what an adapter of the connector `python` uses of it."""

from lgsp_adapters.upstream.client import Upstream as Upstream
