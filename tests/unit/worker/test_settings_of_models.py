"""Which models a worker has and what it takes, by its settings."""

import pytest
from pydantic import ValidationError

from gpu_worker.settings import Settings
from shared.kinds import Kind


@pytest.mark.parametrize(
    ("variables", "served"),
    [
        ({}, "wan"),
        ({"EMBERFRAME_IMAGE_MODEL": "shapes"}, "shapes-film"),
        ({"EMBERFRAME_IMAGE_MODEL": "none"}, "wan"),
        ({"EMBERFRAME_FILM_MODEL": "shapes-film"}, "shapes-film"),
        ({"EMBERFRAME_FILM_MODEL": "none"}, "none"),
        ({"DOWNLOAD_WAN2_MODEL": "false"}, "none"),
        ({"DOWNLOAD_WAN2_MODEL": "true"}, "wan"),
        ({"DOWNLOAD_WAN2_MODEL": "false", "EMBERFRAME_FILM_MODEL": "none"}, "none"),
    ],
)
def test_the_film_model_is_the_partner_of_the_image_model_unless_said_otherwise(
    environment: pytest.MonkeyPatch, variables: dict[str, str], served: str
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    assert Settings().served_film_model == served


@pytest.mark.parametrize(
    ("tasks", "image_model", "film_model", "subscriptions"),
    [
        ("image", "sdxl", "none", ("generate-image-worker",)),
        ("video", "none", "wan", ("generate-video-worker",)),
        ("both", "sdxl", "wan", ("generate-image-worker", "generate-video-worker")),
    ],
)
def test_a_worker_for_one_kind_of_task_loads_and_takes_nothing_else(
    environment: pytest.MonkeyPatch,
    tasks: str,
    image_model: str,
    film_model: str,
    subscriptions: tuple[str, ...],
) -> None:
    environment.setenv("EMBERFRAME_TASKS", tasks)
    settings = Settings()
    assert settings.served_image_model == image_model
    assert settings.served_film_model == film_model
    assert settings.subscriptions == subscriptions


@pytest.mark.parametrize(
    ("variables", "kinds"),
    [
        ({}, (Kind.IMAGE, Kind.VIDEO)),
        ({"EMBERFRAME_TASKS": "image"}, (Kind.IMAGE,)),
        ({"EMBERFRAME_TASKS": "video"}, (Kind.VIDEO,)),
        ({"EMBERFRAME_IMAGE_MODEL": "none"}, (Kind.VIDEO,)),
        ({"EMBERFRAME_FILM_MODEL": "none"}, (Kind.IMAGE,)),
        ({"DOWNLOAD_WAN2_MODEL": "false"}, (Kind.IMAGE,)),
    ],
)
def test_the_kinds_that_a_worker_tells_of_are_those_that_it_has_a_model_for(
    environment: pytest.MonkeyPatch, variables: dict[str, str], kinds: tuple[Kind, ...]
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    assert Settings().served_kinds == kinds


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"DOWNLOAD_WAN2_MODEL": "false", "EMBERFRAME_FILM_MODEL": "wan"},
            "DOWNLOAD_WAN2_MODEL is false, and EMBERFRAME_FILM_MODEL is 'wan'",
        ),
        (
            {"EMBERFRAME_IMAGE_MODEL": "none", "EMBERFRAME_FILM_MODEL": "none"},
            "there is neither a model for pictures nor one for films",
        ),
        (
            {"EMBERFRAME_IMAGE_MODEL": "none", "DOWNLOAD_WAN2_MODEL": "false"},
            "there is neither a model for pictures nor one for films",
        ),
        (
            {"EMBERFRAME_TASKS": "video", "EMBERFRAME_FILM_MODEL": "none"},
            "for what EMBERFRAME_TASKS, which is 'video', has the worker take",
        ),
        (
            {"EMBERFRAME_TASKS": "image", "EMBERFRAME_IMAGE_MODEL": "none"},
            "for what EMBERFRAME_TASKS, which is 'image', has the worker take",
        ),
        (
            {"EMBERFRAME_TASKS": "films"},
            "'image', 'video' or 'both'",
        ),
    ],
)
def test_a_choice_of_models_that_cannot_serve_is_refused_with_a_sentence(
    environment: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    with pytest.raises(ValidationError, match=said):
        Settings()
