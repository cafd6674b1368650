"""What is made is looked at before it leaves the engine: a real classifier, pictures and films."""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.checking_spec import NSFW, CheckChoice, ImageCheckSpec
from gpu_worker.engine.device import choose_device
from gpu_worker.engine.image_check import ImageCheck
from gpu_worker.engine.specs import SDXL, SHAPES, SHAPES_FILM, WAN, FolderSource, HubSource
from gpu_worker.ports import EngineJob, Frames
from shared.errors import ErrorCode, GenerationError
from shared.parse import parse_request
from tests.unit.engine.checkers import OTHER, RED, flat, make_checker

START_SECONDS = 120


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checker(tmp_path_factory.mktemp("checker"))


@pytest.fixture(scope="module")
def engine(checker: Path) -> Iterator[EngineProcess]:
    process = EngineProcess("shapes", film_model="shapes-film", check=CheckChoice(folder=checker))
    process.start()
    process.wait_ready(START_SECONDS)
    yield process
    process.close()


def job(**request: object) -> EngineJob:
    return EngineJob(job_id="check", request=parse_request(request), seed=3)


def check_of(folder: Path, threshold: float = 0.5) -> ImageCheck:
    spec = ImageCheckSpec(
        name="nsfw",
        source=FolderSource(folder=folder),
        rejected=("nsfw",),
        threshold=threshold,
    )
    return ImageCheck(spec, choose_device())


def test_the_classifier_s_word_decides(checker: Path) -> None:
    check = check_of(checker)
    for colour in OTHER:
        check(flat(colour), "picture")
    with pytest.raises(GenerationError) as caught:
        check(flat(RED), "picture")
    assert caught.value.code is ErrorCode.CONTENT_REJECTED
    assert caught.value.message.startswith("The picture that came of this request is not allowed")


def test_the_threshold_decides_how_sure_it_has_to_be(checker: Path) -> None:
    check_of(checker, threshold=1.0)(flat(RED), "picture")
    with pytest.raises(GenerationError):
        check_of(checker, threshold=1e-6)(flat(OTHER[0]), "picture")


def test_pictures_of_any_size_are_looked_at(checker: Path) -> None:
    check = check_of(checker)
    check(np.full((64, 200, 3), OTHER[0], np.uint8), "picture")
    with pytest.raises(GenerationError):
        check(np.full((300, 7, 3), RED, np.uint8), "picture")


def test_a_picture_that_is_not_allowed_never_leaves_the_engine_and_the_next_one_does(
    engine: EngineProcess,
) -> None:
    with pytest.raises(GenerationError) as caught:
        engine.run(job(prompt="a red square on a red background"), lambda _: None)
    assert caught.value.code is ErrorCode.CONTENT_REJECTED
    result = engine.run(job(prompt="a blue circle on a white background"), lambda _: None)
    assert len(result.pictures) == 1
    assert result.timings["check"] > 0


def test_a_film_that_is_not_allowed_ends_before_its_frames_leave(engine: EngineProcess) -> None:
    sent: list[Frames] = []
    film = {"task_type": "text2video", "num_frames": 17, "num_inference_steps": 10}
    with pytest.raises(GenerationError) as caught:
        engine.run(
            job(prompt="a red square moving right on a red background", **film),
            lambda _: None,
            sent.append,
        )
    assert caught.value.code is ErrorCode.CONTENT_REJECTED
    assert caught.value.message.startswith("The film ")
    assert not sent
    engine.run(
        job(prompt="a blue circle moving right on a white background", **film),
        lambda _: None,
        sent.append,
    )
    assert sum(len(frames) for frames in sent) == 17


def test_a_classifier_without_the_class_is_refused_by_name(tmp_path: Path) -> None:
    folder = make_checker(tmp_path, rejected="violence")
    with pytest.raises(GenerationError, match=r"its classes are normal, violence; nsfw must be"):
        check_of(folder)


def test_an_engine_whose_check_cannot_be_loaded_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    engine = EngineProcess("shapes", check=CheckChoice(folder=tmp_path))
    try:
        with pytest.raises(GenerationError, match=r"The image check nsfw cannot be loaded"):
            engine.wait_ready(START_SECONDS)
    finally:
        engine.close()


def test_a_folder_without_a_checkpoint_is_refused_before_torch_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(GenerationError, match=r"has no config\.json"):
        CheckChoice(folder=tmp_path).spec(SHAPES)


def test_full_models_are_checked_unless_the_operator_says_other() -> None:
    for model in (SDXL, WAN):
        assert CheckChoice().spec(model, None) == NSFW
        assert CheckChoice(name="none").spec(model) is None
    assert CheckChoice().spec(SHAPES, SHAPES_FILM) is None
    assert CheckChoice(name="nsfw").spec(SHAPES) == NSFW
    assert CheckChoice().spec(SHAPES, WAN) == NSFW
    changed = CheckChoice(threshold=0.9).spec(SDXL)
    assert changed is not None
    assert changed.threshold == 0.9


def test_the_published_classifier_is_pinned() -> None:
    assert isinstance(NSFW.source, HubSource)
    assert len(NSFW.source.revision) == 40


def test_a_choice_reaches_the_process_as_its_arguments(tmp_path: Path) -> None:
    parser = ArgumentParser()
    CheckChoice.add_arguments(parser)
    for choice in (CheckChoice(), CheckChoice(name="nsfw", folder=tmp_path, threshold=0.25)):
        assert CheckChoice.of(parser.parse_args(choice.arguments())) == choice
