# Names that the code has too; tests/unit/infra compares them with it.

locals {
  # Kinds of work, by the word in their topic's name.
  kinds = {
    image = { topic = "generate-image", pull = "generate-image-worker", push = "generate-image-push" }
    video = { topic = "generate-video", pull = "generate-video-worker", push = null }
  }

  # Where generations lie, in Firestore.
  document_pattern = "users/{uid}/generations/{generation_id}"
  notice_pattern   = "users/{uid}/notices/{generation_id}"
  # Firebase's security rules and clients know this database.
  database = "(default)"

  bucket        = coalesce(var.bucket, "${var.project}-emberframe")
  models_bucket = var.models_bucket

  # Who gets a kind's messages: RunPod's endpoint, the push service, or workers that pull.
  dispatched = toset([for kind in keys(local.kinds) : kind if lookup(var.runpod_endpoints, kind, null) != null])
  pushed     = toset([for kind in keys(local.kinds) : kind if kind == "image" && var.push != null])
  pulled     = toset([for kind in keys(local.kinds) : kind if !contains(local.dispatched, kind) && !contains(local.pushed, kind)])

  # Of the functions and of every worker alike: both have to be told the same.
  admission = merge(
    { EMBERFRAME_MAX_IMAGES = tostring(var.max_images) },
    var.blocked_terms == null ? {} : { EMBERFRAME_BLOCKED_TERMS = var.blocked_terms },
  )

  # Where files lie, if not in the bucket here: likewise.
  store = var.s3 == null ? {} : {
    for name, value in {
      EMBERFRAME_STORE         = "s3"
      EMBERFRAME_S3_BUCKET     = var.s3.bucket
      EMBERFRAME_S3_REGION     = var.s3.region
      EMBERFRAME_S3_ENDPOINT   = var.s3.endpoint
      EMBERFRAME_S3_PATH_STYLE = var.s3.path_style ? "true" : null
    } : name => value if value != null
  }

  # A bucket with checkpoints is a folder of every container with a worker.
  checkpoints = "/checkpoints"
  mounted     = local.models_bucket == null ? {} : { (local.checkpoints) = local.models_bucket }
  checkpoint_folders = local.models_bucket == null ? {} : {
    EMBERFRAME_MODEL_DIR       = "${local.checkpoints}/sdxl"
    EMBERFRAME_FILM_MODEL_DIR  = "${local.checkpoints}/wan"
    EMBERFRAME_IMAGE_CHECK_DIR = "${local.checkpoints}/nsfw"
  }

  worker_environment = merge(local.admission, local.store, {
    GOOGLE_CLOUD_PROJECT = var.project
    EMBERFRAME_BUCKET    = google_storage_bucket.files.name
  }, var.worker_environment)
}
