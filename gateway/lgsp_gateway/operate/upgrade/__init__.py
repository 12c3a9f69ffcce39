"""What an operator asks before the gateways of a bus are replaced by another version's."""
