"""Evidence older than its stream: files on storage of the operator's own, and who writes and reads them."""
