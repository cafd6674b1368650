"""What the demo says, without a stack."""
