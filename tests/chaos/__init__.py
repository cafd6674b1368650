"""Whatever breaks, nothing is lost and nothing is done twice: shown on real processes."""
