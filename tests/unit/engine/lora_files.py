"""LoRAs for the embedded model, built and not trained: known weights from a seed."""

from pathlib import Path

from gpu_worker.engine.specs import SHAPES, FolderSource
from gpu_worker.lora_registry import hash_of
from gpu_worker.ports import LoraFile
from tests.unit.engine.published import PublishedLibraries

#: Of the UNet's attention blocks and of its convolutions; of both text encoders' attention.
UNET, OTHER, WORDS = "ink", "ember", "words"
#: `ember` at half its strength, written as kohya's trainer does it: so are most LoRAs of SDXL.
KOHYA = "kohya"
#: For another model: of layers that this one does not have, and of layers of another size.
STRANGER, WIDER, WIDER_WORDS, HALF = "stranger", "wider", "wider-words", "half"

BUILD = """
import sys, torch
from pathlib import Path
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import (
    StableDiffusionXLPipeline)
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file
source, target = sys.argv[1], Path(sys.argv[2])
pipeline = StableDiffusionXLPipeline.from_pretrained(
    source, variant="fp16", dtype=torch.float32, add_watermarker=False)

def layers(module, name, targets, seed, size):
    torch.manual_seed(seed)
    config = LoraConfig(r=4, lora_alpha=4, target_modules=targets, init_lora_weights="gaussian")
    module.add_adapter(config, adapter_name=name)
    found = get_peft_model_state_dict(module, adapter_name=name)
    return {
        key: (torch.randn(value.shape) * size).half() if "lora_B" in key else value.detach().half()
        for key, value in found.items()
    }

def save(name, **parts):
    StableDiffusionXLPipeline.save_lora_weights(target, weight_name=f"{name}.safetensors", **parts)

attention = ["to_q", "to_k", "to_v", "to_out.0"]
unet = layers(pipeline.unet, "ink", [*attention, "conv1", "conv2", "conv_out"], 1, 0.01)
save("ink", unet_lora_layers=unet)
ember = layers(pipeline.unet, "ember", attention, 2, 0.05)
save("ember", unet_lora_layers=ember)
kohya = {}
for key, value in ember.items():
    layer, _, matrix = key.removesuffix(".weight").rpartition(".")
    layer = "lora_unet_" + layer.replace(".", "_")
    kohya[layer + {"lora_A": ".lora_down", "lora_B": ".lora_up"}[matrix] + ".weight"] = value
    kohya[layer + ".alpha"] = torch.tensor(2.0)
save_file(kohya, target / "kohya.safetensors")
words = ["q_proj", "k_proj", "v_proj", "out_proj"]
first = layers(pipeline.text_encoder, "words", words, 3, 0.2)
second = layers(pipeline.text_encoder_2, "words", words, 4, 0.2)
save("words", text_encoder_lora_layers=first, text_encoder_2_lora_layers=second)
save("stranger", unet_lora_layers={"elsewhere." + key: value for key, value in unet.items()})
wider = {key: torch.cat([value, value], 1 if "lora_A" in key else 0) for key, value in unet.items()}
save("wider", unet_lora_layers=wider)
wider = {key: torch.cat([value, value], 1 if "lora_A" in key else 0)
         for key, value in second.items()}
save("wider-words", unet_lora_layers=unet, text_encoder_2_lora_layers=wider)
alien = {"elsewhere." + key: value.clone() for key, value in unet.items()}
save("half", unet_lora_layers={**unet, **alien})
"""


def build_loras(folder: Path, published: PublishedLibraries) -> Path:
    """`folder` with a .safetensors for each name above."""
    assert isinstance(SHAPES.source, FolderSource)
    folder.mkdir(exist_ok=True)
    published.run(BUILD, SHAPES.source.folder, folder)
    return folder


def lora_of(folder: Path, name: str, weight: float = 1) -> LoraFile:
    file = folder / f"{name}.safetensors"
    return LoraFile(name=name, weight=weight, file=file, sha256=hash_of(file))
