"""From nothing to a bus in production: its first files, its first operators, and the way back for those who are locked out."""
