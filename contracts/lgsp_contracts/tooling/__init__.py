"""Generated from contracts: drafts, pages, OpenAPI, AsyncAPI and typed clients."""
