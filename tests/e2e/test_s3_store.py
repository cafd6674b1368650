"""Files in S3 from end to end: addresses that bring them, images that are read, a deletion."""

import hashlib
import io
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from PIL import Image

from shared.clock import SystemClock
from shared.paths import GenerationPath
from tests.contract.s3_server import CREDENTIALS
from tests.contract.signatures import s3_judge
from tests.e2e.s3_deployment import BUCKET, PROJECT, URL_SECONDS, Deployment, running_deployment
from tests.emulator.function_host import FunctionHost, deliver_deletion
from tools import bundle
from tools.stack import Stack
from trigger.adapters.firestore import FirestoreDocuments
from trigger.adapters.firestore_search import FirestoreSearch
from trigger.collect import collect
from trigger.wiring import files_of

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def deployment(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with running_deployment(stack, tmp_path_factory.mktemp("s3")) as deployment:
        yield deployment


def test_a_generation_s_addresses_bring_its_files_for_the_time_that_was_set(
    deployment: Deployment,
) -> None:
    path, document = deployment.generate(prompt="a red circle", num_images=2, width=128, height=128)
    assert document["status"] == "completed", document
    files = document["output"]["files"]
    assert len(files) == 2
    assert document["output"]["images"] == [file["url"] for file in files]
    judge, now = s3_judge(), datetime.now(UTC)
    for file in files:
        assert file["storage_path"].startswith(f"{path}/{document['lease']['token']}/")
        answer = httpx.get(file["url"])
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == file["content_type"] == "image/png"
        assert len(answer.content) == file["size_bytes"]
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.size == (file["width"], file["height"])
        stored = deployment.s3.get_object(Bucket=BUCKET, Key=file["storage_path"])
        assert hashlib.sha256(stored["Body"].read()).digest() == (
            hashlib.sha256(answer.content).digest()
        )
        with Image.open(io.BytesIO(httpx.get(file["thumbnail_url"]).content)) as thumbnail:
            assert max(thumbnail.size) <= 256
        for url in (file["url"], file["thumbnail_url"]):
            assert judge.admits(url, now)
            assert not judge.admits(url, now + timedelta(seconds=URL_SECONDS + 60))
            assert httpx.get(url.partition("?")[0]).status_code == 403
    log = deployment.log.read_text()
    assert "X-Amz-" not in log
    assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in log


def test_an_image_in_the_bucket_becomes_another_one(deployment: Deployment) -> None:
    """By its name, as an app's own back end has put it there, and by a result's address."""
    file = io.BytesIO()
    Image.new("RGB", (128, 128), "green").save(file, "PNG")
    photo = "users/ada/inputs/photo.png"
    deployment.s3.put_object(Bucket=BUCKET, Key=photo, Body=file.getvalue())
    asked = {"prompt": "x", "task_type": "img2img"}
    _, first = deployment.generate(**asked, image_url=f"s3://{BUCKET}/{photo}")
    assert first["status"] == "completed", first["error"]
    _, second = deployment.generate(**asked, image_url=first["output"]["image_url"])
    assert second["status"] == "completed", second["error"]
    _, stranger = deployment.generate(**asked, image_url=f"s3://{BUCKET}/users/eve/a.png")
    assert stranger["error"]["code"] == "invalid_input"
    assert f"s3://{BUCKET}/users/{{your uid}}/" in stranger["error"]["message"]


def test_a_deleted_document_takes_its_files_along_and_what_nobody_refers_to_is_collected(
    deployment: Deployment, tmp_path: Path
) -> None:
    path, document = deployment.generate(prompt="a", width=128, height=128)
    kept, _ = deployment.generate(prompt="b", width=128, height=128)
    orphan = GenerationPath(uid="ada", generation_id=secrets.token_hex(8)).object_name(1, "0.png")
    photo = "users/ada/inputs/a photo.png"
    for name in (orphan, photo):
        deployment.s3.put_object(Bucket=BUCKET, Key=name, Body=b"x")
    before = deployment.names()
    own = {name for name in before if name.startswith(path.object_prefix)}
    assert len(own) >= 2  # the picture and its thumbnail
    deployment.database.document(str(path)).delete()
    folder = tmp_path / "trigger"
    bundle.build(folder)
    host = FunctionHost("cleanup", folder, deployment.environment)
    try:
        assert deliver_deletion(host, PROJECT, str(path), document) == 200, host.lines()
    finally:
        host.kill()
    assert [line["removed"] for line in host.lines() if "removed" in line] == [len(own)]
    assert deployment.names() == before - own

    collected = collect(
        documents=FirestoreDocuments(deployment.database),
        search=FirestoreSearch(deployment.database),
        # As `trigger.wiring` makes it for the functions.
        files=files_of(deployment.environment, PROJECT),
        clock=SystemClock(),
        grace_seconds=0.0,
    )
    assert (collected.removed, collected.finished) == (1, True)
    assert deployment.names() == before - own - {orphan}
    assert {name for name in deployment.names() if name.startswith(kept.object_prefix)}
