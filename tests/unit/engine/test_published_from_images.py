"""img2img and inpainting are those of diffusers' published pipelines."""

from pathlib import Path
from typing import Any

import numpy as np

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.specs import SHAPES, FolderSource
from gpu_worker.ports import Mask, Pixels
from tests.unit.engine.images import ROUNDING, SOMEWHERE, changed, difference
from tests.unit.engine.published import PublishedLibraries

STOCK = """
import sys
import numpy as np, torch
from PIL import Image
from diffusers import (DDIMScheduler, StableDiffusionXLImg2ImgPipeline,
                       StableDiffusionXLInpaintPipeline)
folder, image, mask, img2img, inpaint = sys.argv[1:]
image, mask = Image.fromarray(np.load(image)), Image.fromarray(np.load(mask))
for kind, extra, out in ((StableDiffusionXLImg2ImgPipeline, {}, img2img),
                         (StableDiffusionXLInpaintPipeline, {"mask_image": mask}, inpaint)):
    pipe = kind.from_pretrained(folder, dtype=torch.float32, variant="fp16", add_watermarker=False)
    pipe.scheduler = DDIMScheduler.from_config(
        pipe.scheduler.config, clip_sample=False, set_alpha_to_one=False)
    size = {"width": 128, "height": 128} if extra else {}
    done = pipe("a yellow star on a blue background", image=image, strength=0.8,
                negative_prompt="green star", num_inference_steps=10, guidance_scale=4.0,
                generator=torch.Generator("cpu").manual_seed(7), **size, **extra).images[0]
    np.save(out, np.asarray(done))
"""


def test_the_pictures_are_those_of_plain_calls_of_the_published_pipelines(
    engine: EngineProcess,
    published: PublishedLibraries,
    image: Pixels,
    mask: Mask,
    tmp_path: Path,
) -> None:
    assert isinstance(SHAPES.source, FolderSource)
    files = [tmp_path / f"{name}.npy" for name in ("image", "mask", "img2img", "inpaint")]
    np.save(files[0], image)
    np.save(files[1], mask)
    published.run(STOCK, SHAPES.source.folder, *files)
    how: dict[str, Any] = {
        "prompt": "a yellow star on a blue background",
        "negative_prompt": "green star",
        "strength": 0.8,
        "num_inference_steps": 10,
        "guidance_scale": 4.0,
    }
    assert difference(changed(engine, image, **how), np.load(files[2])) <= ROUNDING
    painted = changed(engine, image, **how, mask=mask, mask_url=SOMEWHERE)
    expected = np.load(files[3])
    assert difference(painted[mask > 0], expected[mask > 0]) <= ROUNDING
