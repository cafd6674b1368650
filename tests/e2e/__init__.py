"""A phone, the stack and workers together, as a deployment has them."""
