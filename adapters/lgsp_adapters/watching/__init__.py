"""What connectors that watch have in common: occurrences in a system become events, each exactly once, from where the last copy stopped."""
