"""What apps are told that a document holds, old documents too."""

from tests.public_documents import check_public

#: As a release without speed tiers completed it.
OLD_OUTPUT = {
    "seed": 7,
    "model": "shapes",
    "native_size": {"width": 64, "height": 64},
    "prompt_truncated": False,
    "image_url": "https://storage.example/0.png",
    "images": ["https://storage.example/0.png"],
    "files": [],
    "refiner": True,
}


def test_a_picture_that_an_older_release_made_can_still_be_read() -> None:
    document = {
        "status": "completed",
        "input": {"prompt": "a red circle"},
        "created_at": "2026-11-20T10:00:00.000Z",
        "updated_at": "2026-11-20T10:00:02.000Z",
        "output": OLD_OUTPUT,
    }
    output = check_public(document).output
    assert output is not None
    assert output.speed_tier is None
