"""Jobs of a RunPod serverless endpoint: what they ask for, how each is made, and their answers.

Only `sdk` knows RunPod's library; the others know a job by its id and its input.
"""
