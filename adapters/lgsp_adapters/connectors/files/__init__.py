"""The connector `files`: a system that is a folder of files, which answer look-ups."""
