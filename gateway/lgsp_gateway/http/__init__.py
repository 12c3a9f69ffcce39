"""The HTTP server below faces and management API: connections, problems, authentication."""
