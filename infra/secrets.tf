# Secrets are made here and filled by hand (docs/infra.md): a value in Terraform would lie in its state.

locals {
  runpod_secret = "RUNPOD_API_KEY"
  # Of the functions those that talk to RunPod.
  runpod_readers = toset(local.dispatches ? ["cleanup", "dispatch", "sweep"] : [])
}

resource "google_secret_manager_secret" "runpod" {
  count = local.dispatches ? 1 : 0

  project   = var.project
  secret_id = local.runpod_secret
  replication {
    auto {}
  }
  depends_on = [google_project_service.all]
}

resource "google_secret_manager_secret_iam_member" "runpod" {
  for_each = local.runpod_readers

  project   = var.project
  secret_id = google_secret_manager_secret.runpod[0].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.all[each.key].member
}
