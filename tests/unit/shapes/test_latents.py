"""Latents kept on disk: read again, unless they are of another encoder."""

from pathlib import Path

import torch

from tests.unit.shapes.stages import CPU, TinyParts
from tools.shapes.latent_bank import LatentBank, fingerprint
from tools.shapes.latents import encode, encode_scenes
from tools.shapes.painting import paint
from tools.shapes.scene import Scene
from tools.shapes.training import chance_of


def bank(parts: TinyParts, file: Path, count: int = 8) -> tuple[LatentBank[Scene], list[str]]:
    lines: list[str] = []
    filled = encode_scenes(
        parts.vae, size=(64, 64), count=count, seed=1, device=CPU, file=file, report=lines.append
    )
    return filled, lines


def test_latents_are_those_of_their_scenes(tmp_path: Path) -> None:
    parts = TinyParts()
    filled, _ = bank(parts, tmp_path / "latents.pt")
    # Colours vary a little by chance when a bank is filled; the plain painting is next to it.
    plain = encode(parts.vae, paint(filled.drawn), CPU)
    shuffled = plain.roll(1, 0)
    assert (filled.latents - plain).abs().mean() < 0.2 * (filled.latents - shuffled).abs().mean()


def test_kept_latents_are_read_and_not_made_again(tmp_path: Path) -> None:
    first, made = bank(TinyParts(), tmp_path / "latents.pt")
    again, read = bank(TinyParts(), tmp_path / "latents.pt")
    assert made
    assert not read
    assert torch.equal(first.latents, again.latents)
    assert first.drawn == again.drawn


def test_latents_of_another_encoder_are_made_anew(tmp_path: Path) -> None:
    first, _ = bank(TinyParts(), tmp_path / "latents.pt")
    other = TinyParts(seed=8)
    assert fingerprint(other.vae) != fingerprint(TinyParts().vae)
    anew, lines = bank(other, tmp_path / "latents.pt")
    assert "made anew" in lines[0]
    assert not torch.equal(first.latents, anew.latents)
    more, lines = bank(other, tmp_path / "latents.pt", count=10)
    assert "made anew" in lines[0]
    assert len(more.latents) == 10


def test_a_batch_pairs_scenes_with_their_own_latents(tmp_path: Path) -> None:
    filled, _ = bank(TinyParts(), tmp_path / "latents.pt")
    scenes, latents = filled.batch(5, chance_of(0, "base", 0).numbers)
    assert latents.dtype == torch.float32
    for scene, row in zip(scenes, latents, strict=True):
        assert torch.equal(row, filled.latents[filled.drawn.index(scene)].float())
