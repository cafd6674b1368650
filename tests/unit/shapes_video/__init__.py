"""The world of films and the training of the embedded film model."""
