"""What RunPod's hub looks for: the endpoint's handler. The image runs the same by `runpod`."""

import sys
from pathlib import Path

# Started as a file, Python looks for modules beside it only.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gpu_worker.__main__ import main

if __name__ == "__main__":
    sys.argv.insert(1, "runpod")
    sys.exit(main())
