"""What ends on a day that is known: certificates, keys, grants, contracts, passwords."""
