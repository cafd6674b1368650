"""The published configurations of SDXL, its refiner and Wan2.1-T2V-1.3B, and toys of the same kind.

Each dictionary is what the `config.json` of that folder of the repository says, but for names of
files and what is the class's default. A test builds them without memory (`meta`) and compares the
numbers of their parameters with the published files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Config = Mapping[str, Any]

#: stabilityai/stable-diffusion-xl-base-1.0, unet/config.json
SDXL_UNET: Config = {
    "sample_size": 128,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "block_out_channels": (320, 640, 1280),
    "attention_head_dim": (5, 10, 20),
    "transformer_layers_per_block": (1, 2, 10),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
#: stabilityai/stable-diffusion-xl-refiner-1.0, unet/config.json
REFINER_UNET: Config = {
    "sample_size": 128,
    "down_block_types": (
        "DownBlock2D",
        "CrossAttnDownBlock2D",
        "CrossAttnDownBlock2D",
        "DownBlock2D",
    ),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "block_out_channels": (384, 768, 1536, 1536),
    "attention_head_dim": (6, 12, 24, 24),
    "transformer_layers_per_block": 4,
    "cross_attention_dim": 1280,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2560,
}
#: stabilityai/stable-diffusion-xl-base-1.0, vae/config.json; `force_upcast` is for fp16 only.
SDXL_VAE: Config = {
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "latent_channels": 4,
    "sample_size": 1024,
    "scaling_factor": 0.13025,
    "force_upcast": True,
}
#: stabilityai/stable-diffusion-xl-base-1.0, text_encoder/config.json (CLIP ViT-L/14)
SDXL_TEXT: Config = {
    "vocab_size": 49408,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 77,
    "hidden_act": "quick_gelu",
    "projection_dim": 768,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 1,
}
#: stabilityai/stable-diffusion-xl-base-1.0, text_encoder_2/config.json (OpenCLIP ViT-bigG/14)
SDXL_TEXT_2: Config = {
    "vocab_size": 49408,
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 20,
    "max_position_embeddings": 77,
    "hidden_act": "gelu",
    "projection_dim": 1280,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 1,
}
#: stabilityai/stable-diffusion-xl-base-1.0, scheduler/scheduler_config.json
SDXL_SCHEDULER: Config = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "timestep_spacing": "leading",
    "steps_offset": 1,
}
#: Wan-AI/Wan2.1-T2V-1.3B-Diffusers, transformer/config.json
WAN_TRANSFORMER: Config = {
    "patch_size": (1, 2, 2),
    "num_attention_heads": 12,
    "attention_head_dim": 128,
    "in_channels": 16,
    "out_channels": 16,
    "text_dim": 4096,
    "freq_dim": 256,
    "ffn_dim": 8960,
    "num_layers": 30,
    "cross_attn_norm": True,
    "qk_norm": "rms_norm_across_heads",
    "eps": 1e-6,
    "rope_max_seq_len": 1024,
}
#: Wan-AI/Wan2.1-T2V-1.3B-Diffusers, vae/config.json
WAN_VAE: Config = {
    "base_dim": 96,
    "z_dim": 16,
    "dim_mult": [1, 2, 4, 4],
    "num_res_blocks": 2,
    "attn_scales": [],
    "temperal_downsample": [False, True, True],
}
#: Wan-AI/Wan2.1-T2V-1.3B-Diffusers, text_encoder/config.json (UMT5-XXL's encoder)
WAN_TEXT: Config = {
    "vocab_size": 256384,
    "d_model": 4096,
    "d_kv": 64,
    "d_ff": 10240,
    "num_layers": 24,
    "num_heads": 64,
    "dropout_rate": 0.0,
}
#: Wan-AI/Wan2.1-T2V-1.3B-Diffusers, scheduler/scheduler_config.json
WAN_SCHEDULER: Config = {
    "prediction_type": "flow_prediction",
    "use_flow_sigmas": True,
    "num_train_timesteps": 1000,
    "flow_shift": 3.0,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """One set of configurations, and what is drawn with it."""

    unet: Config
    refiner: Config
    vae: Config
    text: Config
    text_2: Config
    transformer: Config
    film_vae: Config
    film_text: Config
    #: Pixels of a picture's side; of a film's width and height.
    picture: int
    film: tuple[int, int]
    frames: int
    picture_steps: int
    #: Of which the request's default strength takes three tenths.
    refiner_steps: int
    film_steps: int
    film_tokens: int


FULL = Size(
    unet=SDXL_UNET,
    refiner=REFINER_UNET,
    vae=SDXL_VAE,
    text=SDXL_TEXT,
    text_2=SDXL_TEXT_2,
    transformer=WAN_TRANSFORMER,
    film_vae=WAN_VAE,
    film_text=WAN_TEXT,
    picture=1024,
    film=(832, 480),
    frames=81,
    picture_steps=25,
    refiner_steps=50,
    film_steps=25,
    film_tokens=512,
)
_TOY_BLOCKS: Config = {
    "block_out_channels": (32, 64, 64),
    "attention_head_dim": (1, 2, 2),
    "transformer_layers_per_block": (1, 1, 2),
    "addition_time_embed_dim": 32,
}
_TOY_TEXT: Config = {
    "vocab_size": 768,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
#: The same layers, narrow and few: the script's own test.
TOY = Size(
    unet={
        **SDXL_UNET,
        **_TOY_BLOCKS,
        "cross_attention_dim": 128,
        "projection_class_embeddings_input_dim": 64 + 6 * 32,
    },
    refiner={
        **REFINER_UNET,
        "block_out_channels": (32, 64, 64, 64),
        "attention_head_dim": (1, 2, 2, 2),
        "transformer_layers_per_block": 1,
        "addition_time_embed_dim": 32,
        "cross_attention_dim": 64,
        "projection_class_embeddings_input_dim": 64 + 5 * 32,
    },
    vae={**SDXL_VAE, "block_out_channels": (32, 32, 32, 32), "layers_per_block": 1},
    text={**SDXL_TEXT, **_TOY_TEXT, "hidden_size": 64, "projection_dim": 64},
    text_2={**SDXL_TEXT_2, **_TOY_TEXT, "hidden_size": 64, "projection_dim": 64},
    transformer={
        **WAN_TRANSFORMER,
        "num_attention_heads": 2,
        "attention_head_dim": 32,
        "text_dim": 64,
        "freq_dim": 32,
        "ffn_dim": 128,
        "num_layers": 2,
    },
    film_vae={**WAN_VAE, "base_dim": 8, "num_res_blocks": 1},
    film_text={
        **WAN_TEXT,
        "vocab_size": 512,
        "d_model": 64,
        "d_kv": 16,
        "d_ff": 128,
        "num_layers": 2,
        "num_heads": 4,
    },
    picture=128,
    film=(64, 64),
    frames=17,
    picture_steps=3,
    refiner_steps=7,
    film_steps=2,
    film_tokens=32,
)
