# Secrets are made here and filled by hand (docs/infra.md): a value in Terraform would lie in its state.

locals {
  # The variable that a process gets it as → the accounts that may read it.
  secrets = merge(
    local.dispatches ? { RUNPOD_API_KEY = ["cleanup", "dispatch", "sweep"] } : {},
    var.s3 == null ? {} : {
      AWS_ACCESS_KEY_ID     = ["cleanup", "sweep", "worker"]
      AWS_SECRET_ACCESS_KEY = ["cleanup", "sweep", "worker"]
    },
  )

  secret_readers = {
    for pair in flatten([for name, readers in local.secrets : [for it in readers : { secret = name, account = it }]]) :
    "${pair.secret}-${pair.account}" => pair
  }

  # Of containers, which name the secret and its version.
  worker_secrets = [for name, readers in local.secrets : name if contains(readers, "worker")]
}

resource "google_secret_manager_secret" "all" {
  for_each = local.secrets

  project   = var.project
  secret_id = each.key
  replication {
    auto {}
  }
  depends_on = [google_project_service.all]
}

resource "google_secret_manager_secret_iam_member" "all" {
  for_each = local.secret_readers

  project   = var.project
  secret_id = google_secret_manager_secret.all[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.all[each.value.account].member
}
