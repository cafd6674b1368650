"""The file of one picture that the engine drew, as its request wants it."""

from gpu_worker.media.metadata import describe_making
from gpu_worker.media.picture_file import EncodedFile, encode_picture
from gpu_worker.ports import EngineResult, Picture
from shared.request import ImageRequest


def encode_result(
    picture: Picture, result: EngineResult, request: ImageRequest, *, embed_metadata: bool
) -> EncodedFile:
    """`picture` is one of `result`'s; `embed_metadata` writes its making into the file."""
    height, width, _ = picture.pixels.shape
    metadata = None
    if embed_metadata:
        metadata = describe_making(
            request,
            seed=picture.seed,
            model=result.model,
            refiner=result.refiner,
            few_steps=result.few_steps,
            width=width,
            height=height,
        )
    return encode_picture(picture.pixels, request.output_format, metadata)
