"""The story of a call: who asks, may it, does it keep the contract, what is answered, what is recorded."""
