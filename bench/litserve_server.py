"""B6's peer: LitServe around the stock diffusers pipeline, with batches as it makes them.

A process of its own, `python -m bench.litserve_server PORT`, with `build/peers` on its path.
One worker, one thread, batches of at most MOST_ROWS requests.
"""

import base64
import sys
import warnings
from typing import Any

import litserve

MOST_ROWS = 8
#: A batch waits for company so long; without any, LitServe makes none.
BATCH_TIMEOUT_SECONDS = 0.01


class Pictures(litserve.LitAPI):
    def setup(self, device: str) -> None:  # noqa: ARG002 - there is a CPU
        warnings.simplefilter("ignore")
        import torch  # noqa: PLC0415 - in the worker's process only
        from diffusers import StableDiffusionXLPipeline  # noqa: PLC0415

        from gpu_worker.engine.specs import SHAPES, FolderSource  # noqa: PLC0415

        torch.set_num_threads(1)
        assert isinstance(SHAPES.source, FolderSource)
        pipelines: Any = StableDiffusionXLPipeline
        self.pipeline = pipelines.from_pretrained(
            SHAPES.source.folder,
            variant=SHAPES.source.variant,
            dtype=torch.float32,
            use_safetensors=True,
        )
        self.pipeline.set_progress_bar_config(disable=True)
        self.side = SHAPES.default_size[0]

    def predict(self, requests: list[dict[str, Any]]) -> list[bytes]:
        import torch  # noqa: PLC0415

        pictures = self.pipeline(
            prompt=[it["prompt"] for it in requests],
            num_inference_steps=requests[0]["steps"],
            guidance_scale=requests[0]["guidance_scale"],
            width=self.side,
            height=self.side,
            generator=[torch.Generator("cpu").manual_seed(it["seed"]) for it in requests],
        ).images
        return [it.tobytes() for it in pictures]

    def encode_response(self, pixels: bytes) -> dict[str, str]:
        return {"pixels": base64.b64encode(pixels).decode()}


def main(port: int) -> None:
    api = Pictures(max_batch_size=MOST_ROWS, batch_timeout=BATCH_TIMEOUT_SECONDS)
    server = litserve.LitServer(api, accelerator="cpu", timeout=120)
    server.run(host="127.0.0.1", port=port, generate_client_file=False, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]))
