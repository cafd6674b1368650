"""A little of what `make fuzz` does end to end; the engine only plays, since none reaches it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from google.cloud import firestore

from gpu_worker.adapters.firestore import FirestoreDocuments
from gpu_worker.adapters.input_images import DeploymentImages
from gpu_worker.adapters.resolver import SystemResolver
from gpu_worker.adapters.web_images import WebImages
from gpu_worker.image_addresses import ServedAddresses
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.lifecycle.handled import Done
from gpu_worker.lifecycle.runner import GenerationRunner
from gpu_worker.lifecycle.wiring import Wiring
from shared.clock import SystemClock
from shared.in_memory_objects import InMemoryObjects
from tests.fuzz.arrival import Database, by_end, draw_documents, publishable, refused_at_arrival

pytestmark = pytest.mark.stack

COUNT = 40
SERVED = ServedAddresses(bucket="pictures", download_host="https://storage.example")


def test_the_function_ends_every_malformed_document_in_a_sentence_and_once(
    database: Database,
) -> None:
    assert refused_at_arrival(database, draw_documents(COUNT)) > COUNT / 2


def test_a_worker_ends_those_that_a_faulty_function_published_and_retries_none(
    database: Database, fuzz_client: firestore.Client
) -> None:
    store, objects, engine = FirestoreDocuments(fuzz_client), InMemoryObjects(), InMemoryEngine()
    with ThreadPoolExecutor(2) as threads:
        runner = GenerationRunner(
            Wiring(
                documents=store,
                watcher=store,
                objects=objects,
                engine=engine,
                inputs=DeploymentImages(objects, SERVED, WebImages(SERVED, SystemResolver())),
                threads=threads,
                clock=SystemClock(),
                worker_id="fuzzed",
            )
        )
        paths = [database.write(fields) for fields in publishable(draw_documents(COUNT))]
        taken = [path for path in paths if path is not None]
        assert {type(runner.handle(path)) for path in taken} == {Done}
        engine.close()
    failed, _ = by_end(database, taken)
    # Draws are random, and near a good one there are others: how many are good says nothing.
    assert failed > COUNT / 2
