# Topics, who gets their messages, and where those go that nobody ever takes.

locals {
  # Of every subscription of workers': a message comes back after a second, then later and later.
  retry_seconds = { least = "1s", most = "60s" }
  # The most that Pub/Sub allows; a delivery is no attempt, see docs/architecture/09-sweep.md.
  deliveries = 100
  # The longest that Pub/Sub keeps one; the document is the truth, so nothing hangs on it.
  retention = "604800s"
}

resource "google_pubsub_topic" "work" {
  for_each = local.kinds

  project    = var.project
  name       = each.value.topic
  depends_on = [google_project_service.all]
}

resource "google_pubsub_topic" "dead" {
  for_each = local.kinds

  project    = var.project
  name       = "${each.value.topic}-dead"
  depends_on = [google_project_service.all]
}

resource "google_pubsub_subscription" "pull" {
  for_each = local.pulled

  project = var.project
  name    = local.kinds[each.key].pull
  topic   = google_pubsub_topic.work[each.key].id
  # As far as a worker leases ahead: until it first does, or if the pull that brings a message ends
  # just then, this counts.
  ack_deadline_seconds       = 10
  message_retention_duration = local.retention

  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = local.retry_seconds.least
    maximum_backoff = local.retry_seconds.most
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead[each.key].id
    max_delivery_attempts = local.deliveries
  }
}

resource "google_pubsub_subscription" "push" {
  for_each = local.pushed

  project = var.project
  name    = local.kinds[each.key].push
  topic   = google_pubsub_topic.work[each.key].id
  # As long as a push request may last.
  ack_deadline_seconds       = 600
  message_retention_duration = local.retention

  expiration_policy {
    ttl = ""
  }

  push_config {
    push_endpoint = "${google_cloud_run_v2_service.push[0].uri}/push"
    oidc_token {
      service_account_email = google_service_account.all["pusher"].email
      audience              = local.push_audience
    }
  }

  retry_policy {
    minimum_backoff = local.retry_seconds.least
    maximum_backoff = local.retry_seconds.most
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead[each.key].id
    max_delivery_attempts = local.deliveries
  }
}

# For a person to look at; nothing reads them by itself.
resource "google_pubsub_subscription" "dead" {
  for_each = local.kinds

  project                    = var.project
  name                       = "${each.value.topic}-dead"
  topic                      = google_pubsub_topic.dead[each.key].id
  message_retention_duration = local.retention

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub's own agent sets dead letters aside: it publishes there, and acknowledges here.
resource "google_pubsub_topic_iam_member" "dead_letters" {
  for_each = local.kinds

  project = var.project
  topic   = google_pubsub_topic.dead[each.key].name
  role    = "roles/pubsub.publisher"
  member  = google_project_service_identity.pubsub.member
}

resource "google_pubsub_subscription_iam_member" "dead_letters" {
  for_each = merge(google_pubsub_subscription.pull, google_pubsub_subscription.push)

  project      = var.project
  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = google_project_service_identity.pubsub.member
}
