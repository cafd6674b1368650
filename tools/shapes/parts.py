"""The classes of Stable Diffusion XL at a thousandth of its size, untrained.

`Widths` holds every number that decides the size of the checkpoint: all of SDXL's parts together
stay under 12 MB in 16-bit floats.
"""

from dataclasses import dataclass
from typing import Any

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from tools.shapes.tokens import TOKENS

#: Sides of a latent are this many times smaller than those of the picture.
VAE_SCALE = 8
LATENT_CHANNELS = 4
#: Numbers that the pipelines hand over beside the text: sizes and crop; the refiner gets a score.
BASE_TIME_IDS = 6
REFINER_TIME_IDS = 5
TIME_ID_WIDTH = 32
#: SDXL ends at 0.012. There a picture of 16 × 16 latents would keep enough of its mean through all
#: the noise that the model would learn to read the background off it, and find none when it draws.
BETA_END = 0.03

NOISE_SCHEDULE: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": BETA_END,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "steps_offset": 1,
    "timestep_spacing": "leading",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Widths:
    """Channels of the parts. Those of the UNets are multiples of `groups`."""

    vae: tuple[int, int, int, int] = (16, 32, 48, 64)
    vae_groups: int = 4
    text: int = 64
    text_layers: int = 2
    text_2: int = 96
    text_2_layers: int = 3
    text_heads: int = 4
    unet: tuple[int, int] = (56, 112)
    unet_heads: int = 4
    refiner: tuple[int, int] = (32, 64)
    refiner_heads: int = 2
    groups: int = 8


#: Of the checkpoint in the repository.
FULL = Widths()
#: For tests: every class and every code path in milliseconds.
TINY = Widths(
    vae=(8, 8, 8, 8),
    text=16,
    text_2=16,
    text_heads=2,
    unet=(8, 16),
    unet_heads=2,
    refiner=(8, 8),
    groups=4,
)


def build_vae(widths: Widths) -> Any:
    """An AutoencoderKL that makes of 8 × 8 pixels one latent."""
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=widths.vae,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=widths.vae_groups,
        sample_size=128,
        mid_block_add_attention=False,
        force_upcast=False,
        scaling_factor=1.0,
    )


def build_text_encoders(widths: Widths, tokenizer: Any) -> tuple[Any, Any]:
    """CLIP's text model, and the one with a projection, which the refiner uses too."""
    first = CLIPTextModel(
        _text_config(tokenizer, widths, width=widths.text, layers=widths.text_layers)
    )
    second = CLIPTextModelWithProjection(
        _text_config(tokenizer, widths, width=widths.text_2, layers=widths.text_2_layers)
    )
    return first, second


def build_unet(widths: Widths) -> Any:
    """The base's UNet: reads both text encoders."""
    return _unet(
        channels=widths.unet,
        heads=widths.unet_heads,
        context=widths.text + widths.text_2,
        pooled=widths.text_2,
        time_ids=BASE_TIME_IDS,
        groups=widths.groups,
    )


def build_refiner_unet(widths: Widths) -> Any:
    """The refiner's UNet: reads the second text encoder and an aesthetic score."""
    return _unet(
        channels=widths.refiner,
        heads=widths.refiner_heads,
        context=widths.text_2,
        pooled=widths.text_2,
        time_ids=REFINER_TIME_IDS,
        groups=widths.groups,
    )


def build_scheduler() -> Any:
    """The checkpoint's own scheduler; others are made from its config."""
    return EulerDiscreteScheduler(**NOISE_SCHEDULE)


def _unet(
    *,
    channels: tuple[int, int],
    heads: int,
    context: int,
    pooled: int,
    time_ids: int,
    groups: int,
) -> Any:
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=channels,
        layers_per_block=1,
        # diffusers' name for the number of heads, kept for the checkpoints of old.
        attention_head_dim=(1, heads),
        cross_attention_dim=context,
        norm_num_groups=groups,
        use_linear_projection=True,
        transformer_layers_per_block=1,
        addition_embed_type="text_time",
        addition_time_embed_dim=TIME_ID_WIDTH,
        projection_class_embeddings_input_dim=pooled + time_ids * TIME_ID_WIDTH,
    )


def _text_config(tokenizer: Any, widths: Widths, *, width: int, layers: int) -> Any:
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=widths.text_heads,
        max_position_embeddings=TOKENS,
        projection_dim=width,
        hidden_act="gelu",
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
