# What somebody has to look at, and whom it is sent to. Every alert says where to look first.

locals {
  channels = [for it in google_monitoring_notification_channel.emails : it.id]

  metric = { for name, it in google_logging_metric.all : name => "metric.type=\"logging.googleapis.com/user/${it.name}\"" }

  # Log-based metrics come from both places that a worker may run in.
  workers = "(resource.type=\"cloud_run_worker_pool\" OR resource.type=\"cloud_run_revision\")"

  subscriptions_alert = {
    oldest_message = {
      metric    = "oldest_unacked_message_age"
      threshold = var.alerts.oldest_message_seconds
      filter    = "NOT resource.labels.subscription_id=monitoring.regex.full_match(\".*-dead\")"
      title     = "Work waits too long"
      doc       = "The oldest message of a queue waits. Are there workers (dashboard: containers), do they take work (log: claimed), is the GPU quota used up?"
    }
    dead_letters = {
      metric    = "num_undelivered_messages"
      threshold = 0
      filter    = "resource.labels.subscription_id=monitoring.regex.full_match(\".*-dead\")"
      title     = "A dead letter"
      doc       = "A message was delivered a hundred times and never taken: something goes in a circle. docs/architecture/09-sweep.md, Dead letters."
    }
  }
}

resource "google_monitoring_notification_channel" "emails" {
  for_each = toset(var.alert_emails)

  project      = var.project
  display_name = each.key
  type         = "email"
  labels       = { email_address = each.key }
  depends_on   = [google_project_service.all]
}

resource "google_monitoring_alert_policy" "subscriptions" {
  for_each = local.subscriptions_alert

  project               = var.project
  display_name          = "Emberframe: ${each.value.title}"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = each.value.title
    condition_threshold {
      filter          = "resource.type=\"pubsub_subscription\" AND metric.type=\"pubsub.googleapis.com/subscription/${each.value.metric}\" AND resource.labels.subscription_id=monitoring.regex.full_match(\"generate-.*\") AND ${each.value.filter}"
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = "300s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    content   = each.value.doc
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "failure_rate" {
  project               = var.project
  display_name          = "Emberframe: Too many generations fail"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = "More than ${var.alerts.failure_share * 100} in a hundred"
    condition_threshold {
      filter             = "${local.metric["failed"]} AND ${local.workers}"
      denominator_filter = "${local.metric["ended"]} AND ${local.workers}"
      comparison         = "COMPARISON_GT"
      threshold_value    = var.alerts.failure_share
      duration           = "0s"
      aggregations {
        alignment_period     = "1800s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
      denominator_aggregations {
        alignment_period     = "1800s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = "Look for `failed for good` in the workers' log: `code` says of what. What people ask for wrongly is not counted."
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "lease_lapses" {
  project               = var.project
  display_name          = "Emberframe: Leases lapse"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = "More than ${var.alerts.lease_lapses_an_hour} in an hour"
    condition_threshold {
      filter          = "${local.metric["lease_lapses"]} AND ${local.workers}"
      comparison      = "COMPARISON_GT"
      threshold_value = var.alerts.lease_lapses_an_hour
      duration        = "0s"
      aggregations {
        alignment_period     = "3600s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = "Workers die, hang or are cut off from Firestore. Look at the workers' exit codes and CRITICAL lines, and at their memory. docs/architecture/10-staying-alive.md."
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "function_errors" {
  project               = var.project
  display_name          = "Emberframe: Functions fail"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = "More than ten in ten minutes"
    condition_threshold {
      filter          = "${local.metric["function_errors"]} AND resource.type=\"cloud_run_revision\""
      comparison      = "COMPARISON_GT"
      threshold_value = 10
      duration        = "0s"
      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = "A wrong setting fails every run, and says so; `FailedPrecondition`: an index is not built yet. Events are delivered again, and the sweep makes the rest good once it runs."
    mime_type = "text/markdown"
  }
}

# GPUs that cost and do nothing: containers are there, and none has made anything for a while.
resource "google_monitoring_alert_policy" "gpu_idle" {
  count = length(local.pools) > 0 ? 1 : 0

  project               = var.project
  display_name          = "Emberframe: A GPU idles"
  combiner              = "AND"
  notification_channels = local.channels

  conditions {
    display_name = "There are workers"
    condition_threshold {
      filter          = "resource.type=\"cloud_run_worker_pool\" AND metric.type=\"run.googleapis.com/container/instance_count\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "${var.alerts.idle_minutes * 60}s"
      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_MAX"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  conditions {
    display_name = "Nothing is made"
    condition_threshold {
      filter                  = "${local.metric["generated"]} AND resource.type=\"cloud_run_worker_pool\""
      comparison              = "COMPARISON_LT"
      threshold_value         = 1
      duration                = "${var.alerts.idle_minutes * 60}s"
      evaluation_missing_data = "EVALUATION_MISSING_DATA_ACTIVE"
      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = "Does the pool keep more than it needs (`min`), does the autoscaler run, or do workers not take what waits?"
    mime_type = "text/markdown"
  }
}

# Long before the bill says it: hours of containers, each of which has a GPU.
resource "google_monitoring_alert_policy" "cost" {
  count = length(local.pools) > 0 ? 1 : 0

  project               = var.project
  display_name          = "Emberframe: GPUs cost much today"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = "More than ${var.alerts.gpu_hours_a_day} GPU hours in a day"
    condition_threshold {
      filter          = "resource.type=\"cloud_run_worker_pool\" AND metric.type=\"run.googleapis.com/container/billable_instance_time\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.alerts.gpu_hours_a_day * 3600
      duration        = "0s"
      aggregations {
        alignment_period     = "86400s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = "More work than foreseen, or workers that hang? Quotas bound what one user may ask for, `max` what a pool may have."
    mime_type = "text/markdown"
  }
}
