"""The harness of the chaos runs, judged before it judges."""
