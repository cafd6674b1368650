# One page: what waits, what is made, what fails, what runs, what it costs.

locals {
  charts = {
    "Oldest message, seconds" = {
      filter  = "resource.type=\"pubsub_subscription\" AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.labels.subscription_id=monitoring.regex.full_match(\"generate-.*\")"
      aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", by = ["resource.labels.subscription_id"]
    }
    "Messages not done" = {
      filter  = "resource.type=\"pubsub_subscription\" AND metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.labels.subscription_id=monitoring.regex.full_match(\"generate-.*\")"
      aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", by = ["resource.labels.subscription_id"]
    }
    "Made" = {
      filter  = "${local.metric["generated"]} AND ${local.workers}"
      aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = []
    }
    "Failed for good" = {
      filter  = "${local.metric["failed"]} AND ${local.workers}"
      aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = []
    }
    "Leases lapsed" = {
      filter  = "${local.metric["lease_lapses"]} AND ${local.workers}"
      aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = []
    }
    "Functions that failed" = {
      filter  = "${local.metric["function_errors"]} AND resource.type=\"cloud_run_revision\""
      aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["resource.labels.service_name"]
    }
    "Containers with a GPU" = {
      filter  = "resource.type=\"cloud_run_worker_pool\" AND metric.type=\"run.googleapis.com/container/instance_count\""
      aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", by = ["resource.labels.worker_pool_name"]
    }
    "Billed container seconds a second" = {
      filter  = "resource.type=\"cloud_run_worker_pool\" AND metric.type=\"run.googleapis.com/container/billable_instance_time\""
      aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["resource.labels.worker_pool_name"]
    }
  }

  tile = { width = 6, height = 4 }
}

resource "google_monitoring_dashboard" "this" {
  project = var.project
  dashboard_json = jsonencode({
    displayName = "Emberframe"
    mosaicLayout = {
      columns = 12
      tiles = [for n, title in keys(local.charts) : merge(local.tile, {
        xPos = local.tile.width * (n % 2)
        yPos = local.tile.height * floor(n / 2)
        widget = {
          title = title
          xyChart = {
            dataSets = [{
              plotType = "LINE"
              timeSeriesQuery = {
                timeSeriesFilter = {
                  filter = local.charts[title].filter
                  aggregation = {
                    alignmentPeriod    = "60s"
                    perSeriesAligner   = local.charts[title].aligner
                    crossSeriesReducer = local.charts[title].reducer
                    groupByFields      = local.charts[title].by
                  }
                }
              }
            }]
          }
        }
      })]
    }
  })
  depends_on = [google_project_service.all]
}
