# Workers that pull, in Cloud Run worker pools: no address, a GPU each, as many as the autoscaler says.

locals {
  pools = var.image == null ? {} : var.pools
}

resource "google_cloud_run_v2_worker_pool" "pull" {
  for_each = local.pools

  project             = var.project
  location            = var.region
  name                = "emberframe-${each.key}"
  deletion_protection = false

  scaling {
    manual_instance_count = each.value.min
  }

  template {
    service_account = google_service_account.all["worker"].email
    # A GPU in a second zone, kept free for the case that the first fails, costs as much again.
    gpu_zonal_redundancy_disabled = true

    node_selector {
      accelerator = each.value.gpu
    }

    containers {
      image = var.image
      args  = ["pull"]

      resources {
        limits = {
          cpu              = each.value.cpu
          memory           = each.value.memory
          "nvidia.com/gpu" = "1"
        }
      }

      dynamic "env" {
        for_each = merge(
          local.worker_environment, local.checkpoint_folders, { EMBERFRAME_TASKS = each.value.tasks }, each.value.environment,
        )
        content {
          name  = env.key
          value = env.value
        }
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

  lifecycle {
    # The autoscaler's, from the first minute on, of a pool whose min is its max too.
    ignore_changes = [scaling[0].manual_instance_count]
  }

  depends_on = [google_project_iam_member.documents, google_secret_manager_secret_iam_member.all, google_pubsub_subscription_iam_member.workers]
}
