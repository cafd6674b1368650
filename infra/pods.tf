# Workers outside Google, on RunPod pods say, that act as the worker's account without a key: their
# host's own tokens are exchanged for Google's. Where a host has no issuer a key does (docs/infra.md).

resource "google_iam_workload_identity_pool" "pods" {
  count = var.pod_identity == null ? 0 : 1

  project                   = var.project
  workload_identity_pool_id = "emberframe-pods"
  display_name              = "Emberframe's pods"
  depends_on                = [google_project_service.all]
}

resource "google_iam_workload_identity_pool_provider" "pods" {
  count = var.pod_identity == null ? 0 : 1

  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.pods[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "host"
  attribute_mapping                  = { "google.subject" = "assertion.sub" }
  attribute_condition                = "assertion.sub == ${jsonencode(var.pod_identity.subject)}"

  oidc {
    issuer_uri        = var.pod_identity.issuer
    allowed_audiences = [var.pod_identity.audience]
  }
}

resource "google_service_account_iam_member" "pods" {
  count = var.pod_identity == null ? 0 : 1

  service_account_id = google_service_account.all["worker"].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.pods[0].name}/subject/${var.pod_identity.subject}"
}
