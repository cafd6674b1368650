# What the logs say, counted: the lines and fields of shared/json_log.py, which a test finds in the
# code that writes them.

locals {
  # What a generation may fail of that is no fault of the deployment's.
  peoples_own = ["invalid_input", "content_rejected", "quota_exceeded", "unsupported_task", "input_unavailable"]

  by_code = join(" OR ", [for code in local.peoples_own : "\"${code}\""])

  # Lines of workers, of which "ended" is either.
  generated = "jsonPayload.message=\"generated\""
  failed    = "jsonPayload.message=\"failed for good\" AND NOT jsonPayload.code=(${local.by_code})"

  log_metrics = {
    generated = {
      description = "Attempts that ended with files"
      filter      = local.generated
    }
    failed = {
      description = "Generations that failed for good, other than by what was asked for"
      filter      = local.failed
    }
    ended = {
      description = "Either of the two"
      filter      = "${local.generated} OR (${local.failed})"
    }
    lease_lapses = {
      description = "Claims that lapsed: a worker was killed, cut off or stuck"
      filter      = "(jsonPayload.message=\"swept\" AND jsonPayload.outcome=\"rescued\") OR jsonPayload.message=\"stopped: lease_lost\""
    }
    function_errors = {
      description = "Runs of functions that failed"
      filter      = "severity>=ERROR AND resource.type=\"cloud_run_revision\" AND resource.labels.service_name=(${join(" OR ", [for it in google_cloudfunctions2_function.all : "\"${it.name}\""])})"
    }
  }
}

resource "google_logging_metric" "all" {
  for_each = local.log_metrics

  project     = var.project
  name        = "emberframe/${each.key}"
  description = each.value.description
  filter      = each.value.filter

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.all]
}
