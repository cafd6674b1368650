"""Input that nobody meant, drawn by Hypothesis: some in `make test`, all by `make fuzz`."""
