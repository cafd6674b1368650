"""The contract and the decisions taken on it."""
