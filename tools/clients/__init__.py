"""`make clients`: JSON Schemas of the contract, and typed models of it in four languages."""
