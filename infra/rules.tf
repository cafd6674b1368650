# The security rules, from the same files as firebase-tools and the emulators have. By Terraform, as
# firebase-tools deploys storage.rules to a project's first bucket and not to the one made here.

locals {
  rules = {
    firestore = { file = "firestore.rules", release = "cloud.firestore" }
    storage   = { file = "storage.rules", release = "firebase.storage/${local.bucket}" }
  }
}

resource "google_firebaserules_ruleset" "all" {
  for_each = local.rules

  project = var.project
  source {
    files {
      name    = each.value.file
      content = file("${path.module}/../${each.value.file}")
    }
  }

  lifecycle {
    # The old rules hold until the new ones do.
    create_before_destroy = true
  }

  depends_on = [google_firebase_project.this]
}

resource "google_firebaserules_release" "all" {
  for_each = local.rules

  project      = var.project
  name         = each.value.release
  ruleset_name = "projects/${var.project}/rulesets/${google_firebaserules_ruleset.all[each.key].name}"

  depends_on = [google_firestore_database.this, google_firebase_storage_bucket.files]
}

# storage.rules looks a document up: whether anonymous accounts may upload.
resource "google_project_service_identity" "storage_rules" {
  provider   = google-beta
  project    = var.project
  service    = "firebasestorage.googleapis.com"
  depends_on = [google_project_service.all]
}

resource "google_project_iam_member" "storage_rules" {
  project = var.project
  role    = "roles/firebaserules.firestoreServiceAgent"
  member  = google_project_service_identity.storage_rules.member
}
