# A Cloud Run service with a GPU that Pub/Sub pushes pictures to. It scales by requests, down to none.

locals {
  # Any word, the same for who signs and who checks: the service's own address is not known before.
  push_audience = "emberframe-push"
}

resource "google_cloud_run_v2_service" "push" {
  count = var.push == null ? 0 : 1

  project  = var.project
  location = var.region
  name     = "emberframe-push"
  # Only Pub/Sub and this project's networks come as far as the container, which itself checks each
  # token: Cloud Run would take its signature away.
  ingress              = "INGRESS_TRAFFIC_INTERNAL_ONLY"
  invoker_iam_disabled = true
  deletion_protection  = false

  template {
    service_account = google_service_account.all["worker"].email
    # Cloud Run starts another container instead of sending a full one more.
    max_instance_request_concurrency = var.push.slots
    # A push request's limit.
    timeout                       = "600s"
    gpu_zonal_redundancy_disabled = true

    scaling {
      min_instance_count = 0
      max_instance_count = var.push.max
    }

    node_selector {
      accelerator = var.push.gpu
    }

    containers {
      image = var.image
      args  = ["push"]

      resources {
        limits = {
          cpu              = var.push.cpu
          memory           = var.push.memory
          "nvidia.com/gpu" = "1"
        }
        # Heartbeats go on between requests.
        cpu_idle          = false
        startup_cpu_boost = true
      }

      ports {
        container_port = 8080
      }

      dynamic "env" {
        for_each = merge(
          local.worker_environment,
          { for name, folder in local.checkpoint_folders : name => folder if name != "EMBERFRAME_FILM_MODEL_DIR" },
          {
            EMBERFRAME_TASKS         = "image"
            EMBERFRAME_SLOTS         = tostring(var.push.slots)
            EMBERFRAME_PUSH_AUDIENCE = local.push_audience
            EMBERFRAME_PUSH_ACCOUNT  = google_service_account.all["pusher"].email
          },
          var.push.environment,
        )
        content {
          name  = env.key
          value = env.value
        }
      }

      # An open port would count as started, and the first messages get 503 while the model loads.
      startup_probe {
        http_get {
          path = "/ready"
          port = 8080
        }
        timeout_seconds   = 5
        period_seconds    = 10
        failure_threshold = 24
      }

      liveness_probe {
        http_get {
          path = "/alive"
          port = 8080
        }
        timeout_seconds   = 5
        period_seconds    = 10
        failure_threshold = 3
      }

      dynamic "env" {
        for_each = local.worker_secrets
        content {
          name = env.value
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.all[env.value].secret_id
              version = "latest"
            }
          }
        }
      }

      dynamic "volume_mounts" {
        for_each = local.mounted
        content {
          name       = "models"
          mount_path = volume_mounts.key
        }
      }
    }

    dynamic "volumes" {
      for_each = local.mounted
      content {
        name = "models"
        gcs {
          bucket    = volumes.value
          read_only = true
        }
      }
    }
  }

  depends_on = [google_project_iam_member.documents, google_secret_manager_secret_iam_member.all]
}
