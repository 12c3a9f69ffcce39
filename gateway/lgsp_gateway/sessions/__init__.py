"""People who sign in: which account is whose, what they are called, and their sessions; all of it where it can be deleted."""
