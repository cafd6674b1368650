# One service account a process, each with the least that it needs and on the thing it needs it on.
# Firestore's rights are the project's only: there is no finer grain than the database.

locals {
  accounts = {
    enqueue    = "function: takes new generations in"
    cleanup    = "function: removes a deleted generation's files"
    sweep      = "function: makes good what was lost"
    dispatch   = "functions: hand generations to RunPod"
    notify     = "function: tells devices how a generation ended"
    worker     = "makes pictures and films"
    builder    = "Cloud Build: makes the functions' images"
    trigger    = "Eventarc: calls functions on events"
    scheduler  = "Cloud Scheduler: calls sweep and autoscaler"
    pusher     = "Pub/Sub: signs what it pushes"
    autoscaler = "sets how many workers there are"
  }

  # Who reads and writes documents.
  document_users = toset(["enqueue", "cleanup", "sweep", "dispatch", "notify", "worker"])
  # Who publishes work.
  publishers = toset(["enqueue", "sweep"])
  # Who sends notifications: the second what the first could not.
  notifiers = var.notifications == null ? toset([]) : toset(["notify", "sweep"])
  # Who creates or removes files.
  file_users = toset(["cleanup", "sweep", "worker"])
}

resource "google_service_account" "all" {
  for_each = local.accounts

  project      = var.project
  account_id   = "emberframe-${each.key}"
  display_name = "Emberframe: ${each.value}"
  depends_on   = [google_project_service.all]
}

resource "google_project_iam_member" "documents" {
  for_each = local.document_users

  project = var.project
  role    = "roles/datastore.user"
  member  = google_service_account.all[each.key].member
}

# Google's own role for it may also read and delete what the console has of messages.
resource "google_project_iam_custom_role" "notifier" {
  count = var.notifications == null ? 0 : 1

  project     = var.project
  role_id     = "emberframeNotifier"
  title       = "Emberframe: sends notifications"
  permissions = ["cloudmessaging.messages.create"]
}

resource "google_project_iam_member" "notifiers" {
  for_each = local.notifiers

  project = var.project
  role    = google_project_iam_custom_role.notifier[0].name
  member  = google_service_account.all[each.key].member
}

resource "google_pubsub_topic_iam_member" "publishers" {
  for_each = { for pair in setproduct(local.publishers, keys(local.kinds)) : join("-", pair) => pair }

  project = var.project
  topic   = google_pubsub_topic.work[each.value[1]].name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.all[each.value[0]].member
}

resource "google_storage_bucket_iam_member" "files" {
  for_each = local.file_users

  bucket = google_storage_bucket.files.name
  role   = "roles/storage.objectUser"
  member = google_service_account.all[each.key].member
}

resource "google_pubsub_subscription_iam_member" "workers" {
  for_each = google_pubsub_subscription.pull

  project      = var.project
  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.all["worker"].member
}

resource "google_storage_bucket_iam_member" "models" {
  count = local.models_bucket == null ? 0 : 1

  bucket = local.models_bucket
  role   = "roles/storage.objectViewer"
  member = google_service_account.all["worker"].member
}

# What Cloud Build does for a function: fetch the source, write its log, store the image.
resource "google_storage_bucket_iam_member" "builder" {
  bucket = google_storage_bucket.source.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.all["builder"].member
}

resource "google_project_iam_member" "builder" {
  for_each = toset(["roles/artifactregistry.writer", "roles/logging.logWriter"])

  project = var.project
  role    = each.key
  member  = google_service_account.all["builder"].member
}

resource "google_project_iam_member" "events" {
  project = var.project
  role    = "roles/eventarc.eventReceiver"
  member  = google_service_account.all["trigger"].member
}

# Pub/Sub signs tokens in the pusher's name.
resource "google_service_account_iam_member" "pusher" {
  service_account_id = google_service_account.all["pusher"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_project_service_identity.pubsub.member
}
