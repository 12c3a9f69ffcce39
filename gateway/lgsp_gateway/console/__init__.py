"""The web console: its built files, and the page that loads them. Its source is in `gateway/console`; it uses the management API."""
