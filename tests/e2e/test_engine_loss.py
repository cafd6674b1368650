"""A worker whose model is gone leaves its work to others."""

import secrets
import shutil
from pathlib import Path

from gpu_worker.engine.specs import SHAPES, FolderSource
from tests.e2e.conftest import running_worker
from tests.e2e.test_worker_death import LONG_REQUEST, PATIENCE_SECONDS, engine_of, processing
from tools.demo.phone import FINAL, Phone
from tools.stack import Stack


def test_a_worker_that_lost_its_model_ends_and_another_finishes_its_generations(
    stack: Stack, phone: Phone, tmp_path: Path
) -> None:
    assert isinstance(SHAPES.source, FolderSource)
    folder = Path(shutil.copytree(SHAPES.source.folder, tmp_path / "model"))
    working, waiting = secrets.token_hex(8), secrets.token_hex(8)
    with running_worker(stack, tmp_path / "a", EMBERFRAME_MODEL_DIR=str(folder)) as first:
        phone.create(working, LONG_REQUEST)
        processing(phone, working)
        # The next one is fetched when this one should be over; and it must not be by then.
        engine = engine_of(first)
        engine.suspend()
        phone.create(waiting, LONG_REQUEST)
        for event in phone.documents(waiting, PATIENCE_SECONDS):
            if event["data"]["status"] == "processing":
                break
        shutil.rmtree(folder)
        engine.kill()
        assert first.process.wait(PATIENCE_SECONDS) == 1
        assert first.state() == "draining"
        log = first.log.read_text("utf-8")
    assert log.count('"severity": "CRITICAL"') == 1
    assert "the engine is lost" in log
    with running_worker(stack, tmp_path / "b"):
        # Either may be the first.
        attempts: dict[str, int] = {}
        for event in phone.events(PATIENCE_SECONDS):
            if event["event"] == "document" and event["data"]["status"] in FINAL:
                assert event["data"]["status"] == "completed"
                attempts[event["id"]] = event["data"]["attempt"]
            if attempts.keys() == {working, waiting}:
                break

    assert attempts[working] == 2
    assert attempts[waiting] == 1, "what was given back is no failed attempt"
