"""What a developer runs on this repository: the local stack, the demo, the function's bundle."""
