"""What is made of contracts for people and programs: drafts, pages, OpenAPI, AsyncAPI and typed clients."""
