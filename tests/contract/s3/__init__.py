"""Both S3 adapters over a store with faults: what the ports do not promise, but users need."""
