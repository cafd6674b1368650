"""Tries a store of S3's kind before a model is loaded; Google's can do what it has to.

What does not fit is an operator's to mend, so it is said in a sentence. Bound: that of `S3Probe`.
"""

import logging

from gpu_worker.store_settings import StoreKind, StoreSettings
from gpu_worker.stores import StoreFault, s3_clients
from shared.ports import Unavailable

log = logging.getLogger(__name__)


def try_store(choice: StoreSettings) -> None:
    """Raises `StoreFault`. That a store does not answer is none: each job waits for it itself."""
    if choice.store is not StoreKind.S3:
        return
    from botocore.exceptions import ClientError  # noqa: PLC0415

    from gpu_worker.adapters.s3_probe import S3Probe  # noqa: PLC0415

    client = s3_clients(choice)(choice.s3_endpoint)
    probe = S3Probe(client, choice.s3_bucket_name)
    said = f"EMBERFRAME_S3_BUCKET is {choice.s3_bucket_name!r}, "
    try:
        if not probe.writes_a_name_once():
            raise StoreFault(
                f"{said}in a store that passes over If-None-Match, and so would write one file "
                "over another: it must be in one that keeps to it, such as Amazon S3, Cloudflare "
                "R2 or MinIO"
            )
        # Another store's regions mean what that store likes.
        region = probe.region() if choice.s3_endpoint is None else None
    except Unavailable:
        log.warning("the object store does not answer yet")
        return
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        raise StoreFault(
            f"{said}and the store refuses a write below users/ in it, or a look at it ({code}): "
            "bucket, region, endpoint and credentials must belong together, and these must be "
            "allowed what docs/deploying.md lists"
        ) from None
    if region not in (None, client.meta.region_name):
        raise StoreFault(
            f"EMBERFRAME_S3_REGION is {client.meta.region_name!r}: it must be {region!r}, where "
            "the bucket is, or no address that is signed would be good"
        )
