"""The bus's own issuer: people who sign in with a user name and a password, or a passkey, that the bus itself keeps."""
