"""Worker processes that check large documents beside the event loop, so that those delay nobody but their sender."""
