"""What a deployment takes of what the contract allows; the function and the worker ask the same."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.blocked_terms import DEFAULT_BLOCKED_TERMS
from shared.parse import parse_owned_request
from shared.paths import GenerationPath
from shared.ports import PromptCheck
from shared.request import DEFAULT_MAX_IMAGES, GenerationRequest, ImageRequest
from shared.weighting import read_weights


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    #: The bound on a request's `num_images`.
    max_images: int = DEFAULT_MAX_IMAGES
    prompts: PromptCheck = DEFAULT_BLOCKED_TERMS

    def read(self, raw: object, path: GenerationPath) -> GenerationRequest:
        """The request of the document at `path`.

        Raises `InvalidInput`, and `GenerationError` (content_rejected) for a prompt that is not
        allowed here. A negative prompt may name what it keeps away.
        """
        request = parse_owned_request(raw, path, max_images=self.max_images)
        for text in _as_read(request):
            self.prompts.check(text)
        return request


def _as_read(request: GenerationRequest) -> Iterator[str | None]:
    """The prompt as it is written, and without the syntax of weights where models read it so."""
    yield request.prompt
    if isinstance(request, ImageRequest) and request.prompt_weighting and request.prompt:
        yield "".join(it.text for it in read_weights(request.prompt) if it.weight > 0)


#: Where nobody says other.
DEFAULT_ADMISSION = Admission()
