"""From a request's addresses to decoded pictures: fetched through a port, decoded, or a reason."""

from collections.abc import Callable
from dataclasses import dataclass

from gpu_worker.media.input_picture import decode_image, decode_mask
from gpu_worker.ports import InputImages, Mask, Pixels, never_stopped
from shared.errors import InvalidInput
from shared.request import GenerationRequest, Img2ImgRequest, InpaintRequest


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Inputs:
    image: Pixels | None = None
    mask: Mask | None = None


def fetch_inputs(
    request: GenerationRequest,
    images: InputImages,
    *,
    uid: str | None,
    check: Callable[[], None] = never_stopped,
) -> Inputs:
    """What the request refers to, if anything. Raises as `InputImages.fetch` and the decoder do."""

    def fetch(url: str, field: str) -> bytes:
        data = images.fetch(url, field=field, uid=uid, check=check)
        check()
        return data

    if not isinstance(request, Img2ImgRequest | InpaintRequest):
        return Inputs()
    image = decode_image(fetch(request.image_url, "image_url"), "image_url")
    if isinstance(request, Img2ImgRequest):
        return Inputs(image=image)
    mask = decode_mask(fetch(request.mask_url, "mask_url"), "mask_url")
    if not mask.any():
        raise InvalidInput(
            "mask_url is a picture without any white; white is what will be painted anew."
        )
    return Inputs(image=image, mask=mask)
