"""The engine process: the model and nothing else; the only package that imports torch.

`python -m gpu_worker.engine` is its entry. Its supervisor imports `protocol`, `channel` and `specs`
from here, which are free of torch; everything else is imported inside the engine process only.
"""
