# What happens every minute: the sweep, and how many workers there should be.

resource "google_cloud_scheduler_job" "sweep" {
  project          = var.project
  region           = var.region
  name             = "emberframe-sweep"
  description      = "Brings home what was lost"
  schedule         = "* * * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "${local.functions.sweep.timeout}s"

  # The next minute is the retry.
  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = google_cloudfunctions2_function.all["sweep"].service_config[0].uri
    oidc_token {
      service_account_email = google_service_account.all["scheduler"].email
      audience              = google_cloudfunctions2_function.all["sweep"].service_config[0].uri
    }
  }
}

resource "google_cloud_scheduler_job" "autoscaler" {
  count = local.scales ? 1 : 0

  project          = var.project
  region           = var.region
  name             = "emberframe-autoscaler"
  description      = "Looks how much work waits"
  schedule         = "* * * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "60s"

  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = google_cloud_run_v2_service.autoscaler[0].uri
    oidc_token {
      service_account_email = google_service_account.all["scheduler"].email
      audience              = google_cloud_run_v2_service.autoscaler[0].uri
    }
  }
}
