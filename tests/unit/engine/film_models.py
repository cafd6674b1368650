"""A film checkpoint of the real classes and in the real layout, tiny and untrained, made by code.

Its films are noise in motion. What they are like is decided by every part and every parameter, so
they serve wherever a test asks whether two films are the same; what is in them, no test may ask.
"""

import os
import subprocess
import sys
from pathlib import Path

#: Made in a process of its own: no test imports the model libraries with warnings as errors.
TINY_FILM = """
import sys, torch
torch.set_num_threads(1)
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from transformers import T5Tokenizer, UMT5Config, UMT5EncoderModel
torch.manual_seed(0)
words = "a an red green blue circle star square moving left right up down on background".split()
letters = [chr(code) for code in range(33, 127)]
pieces = ["<pad>", "</s>", "<unk>", "\\u2581", *("\\u2581" + word for word in words), *letters]
tokenizer = T5Tokenizer(
    vocab=[(piece, 0.0 if n < 3 else -float(n)) for n, piece in enumerate(dict.fromkeys(pieces))],
    extra_ids=0, model_max_length=24)
text_encoder = UMT5EncoderModel(UMT5Config(
    vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2,
    dropout_rate=0.0, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0))
transformer = WanTransformer3DModel(
    patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16,
    out_channels=16, text_dim=16, freq_dim=16, ffn_dim=32, num_layers=1, cross_attn_norm=True,
    qk_norm="rms_norm_across_heads", rope_max_seq_len=256)
vae = AutoencoderKLWan(base_dim=4, z_dim=16, dim_mult=[1, 2, 4, 4], num_res_blocks=1,
                       temperal_downsample=[False, True, True])
# Untrained, its colours would hardly leave grey, and its text encoder would whisper.
with torch.no_grad():
    vae.decoder.conv_out.weight.mul_(8)
    text_encoder.encoder.final_layer_norm.weight.mul_(4)
    for block in transformer.blocks:
        block.attn2.to_out[0].weight.mul_(16)
    transformer.proj_out.weight.mul_(4)
pipeline = WanPipeline(
    tokenizer=tokenizer, text_encoder=text_encoder.eval(), vae=vae.eval(),
    transformer=transformer.eval(), scheduler=UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000,
        flow_shift=3.0))
pipeline.save_pretrained(sys.argv[1])
"""


def build_film_model(folder: Path) -> Path:
    """`folder` must not exist."""
    subprocess.run(
        [sys.executable, "-c", TINY_FILM, folder],
        check=True,
        capture_output=True,
        timeout=100,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    return folder
