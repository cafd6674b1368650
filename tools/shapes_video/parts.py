"""The classes of Wan2.1 at a thousandth of its size, untrained.

All of it stays under 8 MB in 16-bit floats: the transformer takes half, the autoencoder the rest.
"""

from dataclasses import dataclass
from typing import Any

from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from transformers import UMT5Config, UMT5EncoderModel

#: Sides of a latent are this many times smaller than those of the frames; and 4k + 1 frames are
#: k + 1 latents.
VAE_SCALE, TIME_SCALE = 8, 4
#: The autoencoder starts from squares of 2 × 2 pixels, as that of Wan 2.2 does: all of its layers
#: work on a quarter of the places, and may be twice as wide in half the time.
VAE_PATCH = 2
LATENT_CHANNELS = 16
COLOURS = 3
TIMESTEPS = 1000
#: Of the noise's schedule, as published for 480 lines.
FLOW_SHIFT = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Widths:
    #: Of the autoencoder's first level, on the way down and on the way up; and of each level as a
    #: multiple of that.
    vae: int = 24
    vae_up: int = 32
    vae_factors: tuple[int, int, int] = (1, 2, 2)
    text: int = 64
    text_layers: int = 2
    text_heads: int = 4
    #: The transformer's, and how many heads share it.
    transformer: int = 128
    heads: int = 4
    feed_forward: int = 384
    layers: int = 6


#: Of the checkpoint in the repository.
FULL = Widths()
#: For tests: every class and every code path in little time.
TINY = Widths(
    vae=4,
    vae_up=4,
    vae_factors=(1, 1, 2),
    text=16,
    text_layers=1,
    text_heads=2,
    transformer=24,
    heads=2,
    feed_forward=32,
    layers=2,
)


def build_vae(widths: Widths) -> Any:
    """An AutoencoderKLWan that makes of 4 frames' 8 × 8 pixels one latent, the first alone."""
    return AutoencoderKLWan(
        base_dim=widths.vae,
        decoder_base_dim=widths.vae_up,
        patch_size=VAE_PATCH,
        in_channels=COLOURS * VAE_PATCH**2,
        out_channels=COLOURS * VAE_PATCH**2,
        z_dim=LATENT_CHANNELS,
        dim_mult=list(widths.vae_factors),
        num_res_blocks=1,
        temperal_downsample=[True, True],
        latents_mean=[0.0] * LATENT_CHANNELS,
        latents_std=[1.0] * LATENT_CHANNELS,
    )


def build_text_encoder(widths: Widths, tokenizer: Any) -> Any:
    return UMT5EncoderModel(
        UMT5Config(
            vocab_size=len(tokenizer),
            d_model=widths.text,
            d_kv=widths.text // widths.text_heads,
            d_ff=2 * widths.text,
            num_layers=widths.text_layers,
            num_heads=widths.text_heads,
            dropout_rate=0.0,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            decoder_start_token_id=tokenizer.pad_token_id,
        )
    )


def build_transformer(widths: Widths) -> Any:
    return WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=widths.heads,
        attention_head_dim=widths.transformer // widths.heads,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        text_dim=widths.text,
        freq_dim=64,
        ffn_dim=widths.feed_forward,
        num_layers=widths.layers,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=128,
    )


def build_scheduler() -> Any:
    """As the published checkpoint's."""
    return UniPCMultistepScheduler(
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        num_train_timesteps=TIMESTEPS,
        flow_shift=FLOW_SHIFT,
    )
