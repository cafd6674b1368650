"""The RunPod intake: its parts, RunPod's real loop against a double of its API, its hub files."""
