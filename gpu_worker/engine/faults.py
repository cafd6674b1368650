"""What an exception of the model means to the person, and what of it may go into a log.

A log gets the kind of the exception and where it came from; its message only if no word of a
prompt is in it, since libraries like to quote what they were given. Free of torch.
"""

import re
import traceback

from shared.errors import ErrorCode, GenerationError
from shared.request import GenerationRequest, Text2VideoRequest

#: Shorter words ("a", "of") would hide every message.
MIN_WORD_CHARACTERS = 4
#: Of a text, spaces and all: catches a piece of a word, and of a script without spaces.
MIN_RUN_CHARACTERS = 6
#: How CUDA, cuBLAS, torch's CPU allocator and the C++ library say it, all as a RuntimeError.
_OUT_OF_MEMORY = re.compile(
    r"out of memory|ALLOC_FAILED|can't allocate memory|not enough memory|bad_alloc", re.IGNORECASE
)


def to_generation_error(error: Exception, request: GenerationRequest) -> GenerationError:
    """The error that the person sees who asked for `request`."""
    if isinstance(error, GenerationError):
        return error
    if is_out_of_memory(error):
        return GenerationError(ErrorCode.OUT_OF_MEMORY, _advice(request))
    return GenerationError(ErrorCode.INTERNAL, "The model failed on this request.")


def _advice(request: GenerationRequest) -> str:
    if isinstance(request, Text2VideoRequest):
        return (
            "The film does not fit into the worker's memory; "
            "ask for a smaller video_width and video_height, or for a smaller num_frames."
        )
    return (
        "The picture does not fit into the worker's memory; "
        "ask for a smaller width and height, or for one image at a time."
    )


def is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and _OUT_OF_MEMORY.search(str(error)) is not None


def describe_for_log(error: Exception, request: GenerationRequest) -> str:
    """Kind, message if it quotes nothing, and the calls that led there."""
    message = str(error)
    if quotes(message, request):
        message = "(not shown: it quotes the prompt)"
    calls = "".join(traceback.format_tb(error.__traceback__))
    return f"{type(error).__name__}: {message}\n{calls}"


def quotes(message: str, request: GenerationRequest) -> bool:
    """True when `message` has a word of the request's texts, or a run of their characters."""
    texts = f"{request.prompt or ''} {request.negative_prompt or ''}"
    return not _words(texts).isdisjoint(_words(message)) or not _runs(texts).isdisjoint(
        _runs(message)
    )


def _runs(text: str) -> set[str]:
    text = text.lower()
    return {text[at : at + MIN_RUN_CHARACTERS] for at in range(len(text) - MIN_RUN_CHARACTERS + 1)}


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) >= MIN_WORD_CHARACTERS}
