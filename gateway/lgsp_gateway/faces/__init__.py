"""The protocols in which others call services: each turns its own request into a call, and the call's end into its own answer."""
