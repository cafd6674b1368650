"""From a request's addresses to decoded pictures: fetched through a port, decoded, or a reason."""

from dataclasses import dataclass

from gpu_worker.media.input_picture import decode_image, decode_mask
from gpu_worker.ports import InputImages, Mask, Pixels
from shared.errors import ErrorCode, GenerationError
from shared.request import GenerationRequest, Img2ImgRequest, InpaintRequest


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Inputs:
    image: Pixels | None = None
    mask: Mask | None = None


def fetch_inputs(request: GenerationRequest, images: InputImages, *, uid: str | None) -> Inputs:
    """What the request refers to, if anything. Raises as `InputImages.fetch` and the decoder do."""
    if not isinstance(request, Img2ImgRequest | InpaintRequest):
        return Inputs()
    image = decode_image(images.fetch(request.image_url, uid=uid), "image_url")
    if isinstance(request, Img2ImgRequest):
        return Inputs(image=image)
    mask = decode_mask(images.fetch(request.mask_url, uid=uid), "mask_url")
    if not mask.any():
        raise GenerationError(
            ErrorCode.INPUT_UNAVAILABLE,
            "mask_url is a picture without any white; white is what will be painted anew.",
        )
    return Inputs(image=image, mask=mask)
