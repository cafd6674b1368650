"""The film's file, measured by our own reader and by ffmpeg, which must agree."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from gpu_worker.media.film_codec import FilmCodec, FilmOptions
from gpu_worker.media.film_file import FilmFiles, make_film_files
from gpu_worker.media.film_probe import probe_film
from gpu_worker.media.film_stills import MAX_PREVIEW_FRAMES
from gpu_worker.media.mp4_boxes import boxes
from shared.errors import GenerationError
from shared.parse import parse_request
from shared.request import Text2VideoRequest
from tests.unit.media.films import decoded, made_by, moving, told_by_ffmpeg, write_film

PROMPT = "a red square = moving; right #1 \\ 'ünïcode' 🙂"
SIZE = (128, 96)


def asked(**parameters: object) -> Text2VideoRequest:
    request = parse_request({"task_type": "text2video", "prompt": PROMPT, **parameters})
    assert isinstance(request, Text2VideoRequest)
    return request


def files_of(
    frames: int = 17,
    size: tuple[int, int] = SIZE,
    *,
    options: FilmOptions | None = None,
    embed: bool = True,
    **parameters: object,
) -> FilmFiles:
    request = asked(**parameters)
    data, writer = write_film(moving(frames, size), fps=request.fps, options=options)
    result = made_by(request, frames=frames, size=size)
    return make_film_files(data, writer.stills, result, request, embed_metadata=embed)


@pytest.mark.parametrize(
    ("frames", "fps", "size"),
    [(17, 15, SIZE), (17, 6, (96, 128)), (21, 7, SIZE), (33, 30, SIZE), (81, 24, (64, 64))],
)
def test_video_info_is_what_ffmpeg_finds_in_the_file(
    tmp_path: Path, frames: int, fps: int, size: tuple[int, int]
) -> None:
    files = files_of(frames, size, fps=fps)
    told = told_by_ffmpeg(files.film.data, tmp_path)
    assert len(told.times) == frames
    assert np.allclose(told.times, np.arange(frames) / fps, atol=1e-9)
    assert np.allclose(told.durations, 1 / fps, atol=1e-9)
    assert f"{size[0]}x{size[1]}" in told.stream
    info = files.facts.to_document()
    assert info.pop("bit_rate") > 0
    assert info == {
        "frames": frames,
        "width": size[0],
        "height": size[1],
        "fps": fps,
        "duration_seconds": round(frames / fps, 3),
        "codec": "h264",
        "pixel_format": "yuv420p",
    }


@pytest.mark.parametrize(
    ("codec", "named"),
    [
        (FilmCodec.H264, "h264 (High) (avc1 "),
        (FilmCodec.H265, "hevc (Main) (hvc1 "),
        (FilmCodec.AV1, "av1 (libdav1d) (Main) (av01 "),
    ],
)
def test_every_codec_plays_from_its_first_bytes_in_bt709(
    tmp_path: Path, codec: FilmCodec, named: str
) -> None:
    files = files_of(options=FilmOptions(codec=codec))
    told = told_by_ffmpeg(files.film.data, tmp_path)
    assert told.stream.startswith(named)
    assert "yuv420p(tv, bt709" in told.stream
    assert "unknown" not in told.stream
    assert len(told.times) == files.facts.frames == 17
    assert (files.facts.codec, files.facts.pixel_format) == (codec.value, "yuv420p")
    order = [it.kind for it in boxes(files.film.data, 0, len(files.film.data))]
    assert order[:2] == [b"ftyp", b"moov"]
    assert order[-1] == b"mdat"
    assert files.facts.starts_fast


def test_a_film_shows_its_frames_in_their_order(tmp_path: Path) -> None:
    frames = np.concatenate(list(moving(17, SIZE)))
    seen = decoded(files_of(17, SIZE).film.data, SIZE, tmp_path)
    assert len(seen) == 17
    difference = np.abs(seen.astype(int) - frames).mean(axis=(1, 2, 3))
    assert difference.max() < 2, difference
    assert np.abs(seen[0].astype(int) - frames[16]).mean() > 5, "the square has moved"


def test_a_smaller_crf_makes_a_better_and_bigger_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(96, 160, (8, 96, 128, 3), dtype=np.uint8)
    sizes, errors = [], []
    for crf in (10, 30):
        data, _ = write_film(iter([noise]), options=FilmOptions(crf=crf))
        sizes.append(len(data))
        errors.append(np.abs(decoded(data, SIZE, tmp_path).astype(int) - noise).mean())
    assert sizes[0] > 2 * sizes[1]
    assert errors[0] < errors[1]


def test_the_same_frames_make_the_same_bytes() -> None:
    first, _ = write_film(moving(17))
    second, _ = write_film(moving(17))
    assert first == second


def test_prompt_and_parameters_are_in_the_file_and_nothing_else_of_it_changes(
    tmp_path: Path,
) -> None:
    plain = files_of(embed=False, seed=5).film.data
    files = files_of(seed=5, user_id="ada", negative_prompt="blurry\nnoisy")
    told = told_by_ffmpeg(files.film.data, tmp_path)
    assert told.tags["title"] == PROMPT
    made = json.loads(told.tags["comment"])
    assert made.pop("model") == "shapes-film"
    assert (made["prompt"], made["negative_prompt"], made["seed"]) == (PROMPT, "blurry\nnoisy", 5)
    again = parse_request(made)
    assert again == asked(seed=5, negative_prompt="blurry\nnoisy")
    assert "ada" not in told.tags["comment"]
    assert np.array_equal(decoded(files.film.data, SIZE, tmp_path), decoded(plain, SIZE, tmp_path))
    assert told.times == told_by_ffmpeg(plain, tmp_path).times


def test_a_setting_leaves_all_of_it_out(tmp_path: Path) -> None:
    data = files_of(embed=False).film.data
    assert told_by_ffmpeg(data, tmp_path).tags == {}
    assert b"square" not in data


def test_poster_and_thumbnail_show_the_first_frame() -> None:
    files = files_of(17, (832, 480))
    first = next(moving(17, (832, 480)))[0]
    poster = Image.open(io.BytesIO(files.poster.data))
    assert (poster.format, poster.size) == ("WEBP", (832, 480))
    assert np.abs(np.asarray(poster.convert("RGB")).astype(int) - first).mean() < 4
    thumbnail = Image.open(io.BytesIO(files.thumbnail.data))
    assert (thumbnail.format, max(thumbnail.size)) == ("WEBP", 256)
    assert files.thumbhash
    assert files.preview is None


@pytest.mark.parametrize("frames", [17, 49, 81])
def test_an_animated_preview_is_small_moves_and_lasts_as_long_as_the_film(frames: int) -> None:
    files = files_of(frames, (320, 192), options=FilmOptions(preview=True), fps=16)
    assert files.preview is not None
    animation = Image.open(io.BytesIO(files.preview.data))
    shown = [np.asarray(it.convert("RGB")).astype(int) for it in ImageSequence.Iterator(animation)]
    assert 8 < len(shown) <= MAX_PREVIEW_FRAMES
    assert max(animation.size) == 256
    assert np.abs(shown[0] - shown[-1]).mean() > 5
    lasts = len(shown) * animation.info["duration"] / 1000
    assert lasts == pytest.approx(frames / 16, abs=4 / 16)


def test_a_film_with_other_frames_than_the_engine_says_is_no_film() -> None:
    request = asked()
    data, writer = write_film(moving(17))
    for claimed in (
        made_by(request, frames=21, size=SIZE),
        made_by(request, frames=17, size=(8, 8)),
    ):
        with pytest.raises(GenerationError, match="has 17 frames of 128x96; it must have"):
            make_film_files(data, writer.stills, claimed, request, embed_metadata=True)


def test_a_file_that_is_cut_off_is_no_film() -> None:
    data, writer = write_film(moving(17))
    request = asked()
    result = made_by(request, frames=17, size=SIZE)
    index = data.index(b"mdat")
    for end in (0, 7, 40, index // 2, index):
        with pytest.raises(ValueError, match=r"box|cut off|no frames"):
            probe_film(data[:end])
        with pytest.raises(GenerationError, match="cannot be read"):
            make_film_files(data[:end], writer.stills, result, request, embed_metadata=True)
