# The bucket of pictures, films and input images, linked to Firebase so that storage.rules hold and
# phones can upload; the bucket of the functions' source; the repository of the worker's image.

resource "google_storage_bucket" "files" {
  project                     = var.project
  name                        = local.bucket
  location                    = var.region
  uniform_bucket_level_access = true
  force_destroy               = !var.deletion_protection

  # Firebase's download addresses carry a token; no object is public.
  public_access_prevention = "enforced"

  # A file that an attempt left over is removed by the sweep, for good: none comes back.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  # An upload that was broken off.
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 1
    }
  }

  # What is seldom looked at costs half, and a little for each look.
  dynamic "lifecycle_rule" {
    for_each = var.nearline_days > 0 ? [var.nearline_days] : []
    content {
      action {
        type          = "SetStorageClass"
        storage_class = "NEARLINE"
      }
      condition {
        age                   = lifecycle_rule.value
        matches_storage_class = ["STANDARD"]
      }
    }
  }

  dynamic "cors" {
    for_each = length(var.cors_origins) > 0 ? [var.cors_origins] : []
    content {
      origin          = cors.value
      method          = ["GET", "HEAD"]
      response_header = ["Content-Type", "Content-Length", "Range", "Content-Range"]
      max_age_seconds = 3600
    }
  }

  depends_on = [google_project_service.all]
}

# Without the link its files have no rules and phones no way in.
resource "google_firebase_storage_bucket" "files" {
  provider   = google-beta
  project    = var.project
  bucket_id  = google_storage_bucket.files.name
  depends_on = [google_firebase_project.this]
}

# Source of the functions: the newest is what runs, older ones are for a rollback by hand.
resource "google_storage_bucket" "source" {
  project                     = var.project
  name                        = "${var.project}-emberframe-source"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  # Each bundle has a name of its own, and Terraform removes the one before it: what is left is a
  # version that is not current and that nothing newer ever covers.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 90
    }
  }

  versioning {
    enabled = true
  }

  depends_on = [google_project_service.all]
}

resource "google_artifact_registry_repository" "images" {
  project       = var.project
  location      = var.region
  repository_id = "emberframe"
  description   = "The worker's image"
  format        = "DOCKER"

  # An image is some 4 GB without models: old ones are the bill of a registry.
  cleanup_policies {
    id     = "keep-the-last"
    action = "KEEP"
    most_recent_versions {
      keep_count = 5
    }
  }
  cleanup_policies {
    id     = "drop-the-others"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }

  depends_on = [google_project_service.all]
}
