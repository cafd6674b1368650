"""RunPod's local server over the real engine: every example of the original worker's README."""
