# What the next steps of a deployment need.

output "bucket" {
  description = "EMBERFRAME_BUCKET of workers outside Google."
  value       = google_storage_bucket.files.name
}

output "image_repository" {
  description = "Where the worker's image is pushed to."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}

output "worker_account" {
  description = "The account of workers, of pods outside Google too."
  value       = google_service_account.all["worker"].email
}

output "pod_identity_provider" {
  description = "The audience of `gcloud iam workload-identity-pools create-cred-config`; null without `pod_identity`."
  value       = one(google_iam_workload_identity_pool_provider.pods[*].name)
}

output "secrets" {
  description = "Secrets that must have a value before a function or worker that reads them can start."
  value       = [for secret in google_secret_manager_secret.all : secret.secret_id]
}
