"""The fast path: a protocol in front of aiohttp that answers ordinary calls itself and hands everything else on."""
