# How many containers a pool has: Google's External Metrics Autoscaler asks Pub/Sub every minute how
# many messages are not done yet, those in hand included, and sets the pool's number. Of every pool,
# one of a steady size too: Terraform sets a number once and ignores it from then on.

locals {
  scales = length(local.pools) > 0

  pool_kinds = { image = ["image"], video = ["video"], both = ["image", "video"] }

  autoscaler_config = {
    apiVersion = "crema/v1"
    kind       = "CremaConfig"
    spec = {
      triggerAuthentications = [{
        metadata = { name = "own" }
        spec     = { podIdentity = { provider = "gcp" } }
      }]
      scaledObjects = [for name, pool in local.pools : {
        spec = {
          scaleTargetRef  = { name = "projects/${var.project}/locations/${var.region}/workerpools/emberframe-${name}" }
          minReplicaCount = pool.min
          maxReplicaCount = pool.max
          triggers = [for kind in local.pool_kinds[pool.tasks] : {
            type = "gcp-pubsub"
            name = kind
            metadata = {
              subscriptionName = "projects/${var.project}/subscriptions/${local.kinds[kind].pull}"
              mode             = "SubscriptionSize"
              value            = tostring(pool.jobs_per_container)
            }
            authenticationRef = { name = "own" }
          }]
          advanced = {
            horizontalPodAutoscalerConfig = {
              behavior = {
                # A container that ends gives its work back, and another loads models for minutes:
                # ten quiet minutes before one is let go.
                scaleDown = { stabilizationWindowSeconds = 600, policies = [{ type = "Pods", value = 1, periodSeconds = 60 }] }
                scaleUp   = { stabilizationWindowSeconds = 0, policies = [{ type = "Pods", value = 4, periodSeconds = 60 }] }
              }
            }
          }
        }
      }]
    }
  }
}

resource "google_parameter_manager_parameter" "autoscaler" {
  count = local.scales ? 1 : 0

  project      = var.project
  parameter_id = "emberframe-autoscaler"
  format       = "YAML"
  depends_on   = [google_project_service.all]
}

resource "google_parameter_manager_parameter_version" "autoscaler" {
  count = local.scales ? 1 : 0

  parameter = google_parameter_manager_parameter.autoscaler[0].id
  # A version never changes: a new content is a new one.
  parameter_version_id = "v-${substr(sha256(jsonencode(local.autoscaler_config)), 0, 12)}"
  parameter_data       = yamlencode(local.autoscaler_config)

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_cloud_run_v2_service" "autoscaler" {
  count = local.scales ? 1 : 0

  project             = var.project
  location            = var.region
  name                = "emberframe-autoscaler"
  ingress             = "INGRESS_TRAFFIC_INTERNAL_ONLY"
  deletion_protection = false

  template {
    service_account                  = google_service_account.all["autoscaler"].email
    max_instance_request_concurrency = 1

    scaling {
      max_instance_count = 1
    }

    containers {
      image          = var.autoscaler_image
      base_image_uri = "${var.region}-docker.pkg.dev/serverless-runtimes/google-24/runtimes/java25"
      resources {
        limits = { cpu = "1", memory = "512Mi" }
      }
      env {
        name  = "CREMA_CONFIG"
        value = google_parameter_manager_parameter_version.autoscaler[0].name
      }
    }
  }

  depends_on = [google_project_iam_member.autoscaler]
}

resource "google_cloud_run_v2_service_iam_member" "autoscaler" {
  count = local.scales ? 1 : 0

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_service.autoscaler[0].name
  role     = "roles/run.invoker"
  member   = google_service_account.all["scheduler"].member
}

# It reads its configuration and Pub/Sub's metric, and sets a number on these pools only.
resource "google_project_iam_member" "autoscaler" {
  for_each = toset(local.scales ? ["roles/monitoring.viewer", "roles/parametermanager.parameterViewer"] : [])

  project = var.project
  role    = each.key
  member  = google_service_account.all["autoscaler"].member
}

resource "google_cloud_run_v2_worker_pool_iam_member" "autoscaler" {
  for_each = local.pools

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_worker_pool.pull[each.key].name
  role     = "roles/run.developer"
  member   = google_service_account.all["autoscaler"].member
}

# Changing a pool means deploying in the worker's name.
resource "google_service_account_iam_member" "autoscaler" {
  count = local.scales ? 1 : 0

  service_account_id = google_service_account.all["worker"].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.all["autoscaler"].member
}
