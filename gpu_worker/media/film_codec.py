"""The table of film codecs: which of ffmpeg's encoders makes each, how, and whether it is there.

ffmpeg is the one that the imageio-ffmpeg wheel carries (or IMAGEIO_FFMPEG_EXE names). The numbers
that chose presets and CRFs are in docs/figures.md.
"""

import subprocess
from dataclasses import dataclass
from enum import StrEnum

import imageio_ffmpeg

#: A constant: the same film then has the same bytes on every machine, and a bound on its memory.
ENCODER_THREADS = 4
#: The worst that all three take; 0 would be lossless, in a profile that browsers do not play.
MAX_CRF = 51
#: Starting the binary takes 30 ms; the first time it is read from a disk.
LOOK_SECONDS = 60.0


class FilmCodec(StrEnum):
    """How a film is compressed. H.264 plays everywhere."""

    H264 = "h264"
    H265 = "h265"
    AV1 = "av1"


@dataclass(frozen=True, kw_only=True, slots=True)
class CodecSpec:
    #: ffmpeg's name of it.
    encoder: str
    #: Constant quality: smaller is better and bigger.
    default_crf: int
    #: The encoder's own names for how long it may look for a smaller file, the fastest first.
    presets: tuple[str, ...]
    default_preset: str
    #: ffmpeg's arguments besides CRF and preset.
    options: tuple[str, ...]


#: Of x264 and x265.
X26_PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow"),
)

CODECS = {
    FilmCodec.H264: CodecSpec(
        encoder="libx264",
        default_crf=18,
        presets=X26_PRESETS,
        default_preset="medium",
        options=("-threads", str(ENCODER_THREADS)),
    ),
    FilmCodec.H265: CodecSpec(
        encoder="libx265",
        default_crf=21,
        presets=X26_PRESETS,
        default_preset="fast",
        # Apple's players know the codec only under the name hvc1.
        options=(
            *("-tag:v", "hvc1"),
            *("-x265-params", f"log-level=error:pools={ENCODER_THREADS}"),
        ),
    ),
    FilmCodec.AV1: CodecSpec(
        encoder="libsvtav1",
        default_crf=28,
        presets=tuple(str(preset) for preset in range(13, -1, -1)),
        default_preset="8",
        options=("-svtav1-params", f"lp={ENCODER_THREADS}"),
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class FilmOptions:
    """What an operator decides about films."""

    codec: FilmCodec = FilmCodec.H264
    #: 1 … MAX_CRF; None for the codec's own default.
    crf: int | None = None
    #: One of the codec's; None for its default.
    preset: str | None = None
    #: Make a small animated WebP too.
    preview: bool = False

    @property
    def quality(self) -> int:
        """The CRF."""
        return CODECS[self.codec].default_crf if self.crf is None else self.crf

    @property
    def pace(self) -> str:
        """The preset."""
        return CODECS[self.codec].default_preset if self.preset is None else self.preset


class NoEncoder(Exception):
    """There is no ffmpeg here, or none that can encode films of this codec; the text says which."""


def ffmpeg_program() -> str:
    """The path of ffmpeg. Raises `NoEncoder`."""
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise NoEncoder(
            "There is no ffmpeg: imageio-ffmpeg must be a wheel that carries one, or "
            "IMAGEIO_FFMPEG_EXE the path of another."
        ) from error


def check_encoder(codec: FilmCodec) -> None:
    """Raises `NoEncoder` when films of `codec` cannot be made on this machine."""
    program, encoder = ffmpeg_program(), CODECS[codec].encoder
    try:
        told = subprocess.run(
            [program, "-hide_banner", "-h", f"encoder={encoder}"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=LOOK_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoEncoder(f"ffmpeg ({program}) cannot be run: {error}.") from error
    # It exits with 0 either way.
    if not told.stdout.startswith(f"Encoder {encoder} ".encode()):
        raise NoEncoder(f"ffmpeg ({program}) has no {encoder}, so it cannot make {codec} films.")
