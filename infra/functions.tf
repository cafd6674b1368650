# The Cloud Functions (2nd gen), from the bundle that `make bundle` builds. What stands in
# trigger/main.py about memory, time and number stands here again, and a test compares the two.

locals {
  runtime = "python311"

  function_environment = merge(local.admission, local.store, local.notification, {
    EMBERFRAME_REGION                 = var.region
    EMBERFRAME_BUCKET                 = google_storage_bucket.files.name
    EMBERFRAME_QUOTAS                 = var.quotas.enabled ? "on" : "off"
    EMBERFRAME_CONCURRENT_GENERATIONS = tostring(var.quotas.concurrent)
    EMBERFRAME_DAILY_CREDITS          = tostring(var.quotas.daily_credits)
    GOOGLE_CLOUD_PROJECT              = var.project
    GCLOUD_PROJECT                    = var.project
    FIREBASE_CONFIG                   = jsonencode({ projectId = var.project, storageBucket = google_storage_bucket.files.name })
    }, { for kind, endpoint in var.runpod_endpoints : local.endpoint_variables[kind] => endpoint
  }, var.function_environment)

  endpoint_variables = {
    image = "RUNPOD_IMAGE_ENDPOINT_ID"
    video = "RUNPOD_VIDEO_ENDPOINT_ID"
  }

  # Without it there is no function that tells, and no generation is marked for it.
  notification = var.notifications == null ? {} : {
    EMBERFRAME_NOTIFICATIONS       = "on"
    EMBERFRAME_NOTIFICATION_TEXTS  = var.notifications.texts
    EMBERFRAME_NOTIFICATION_IMAGES = var.notifications.images ? "on" : "off"
  }

  of_a_document = {
    memory = "1024Mi", timeout = 60, instances = 20, concurrency = 4, topic = null, document = local.document_pattern
  }

  functions = merge(
    {
      enqueue = merge(local.of_a_document, { account = "enqueue", event = "google.cloud.firestore.document.v1.created" })
      cleanup = merge(local.of_a_document, { account = "cleanup", event = "google.cloud.firestore.document.v1.deleted" })
      sweep   = { account = "sweep", event = null, memory = "512Mi", timeout = 180, instances = 2, concurrency = 1, topic = null }
    },
    {
      for name in var.notifications == null ? [] : ["notify"] : name => merge(local.of_a_document, {
        account  = "notify", event = "google.cloud.firestore.document.v1.created", memory = "256Mi",
        document = local.notice_pattern
      })
    },
    {
      for kind in local.dispatched : "dispatch_${kind}" => {
        account   = "dispatch", event = "google.cloud.pubsub.topic.v1.messagePublished", memory = "256Mi", timeout = 90,
        instances = 20, concurrency = 4, topic = google_pubsub_topic.work[kind].id
      }
    },
  )

  dispatches = length(local.dispatched) > 0
}

data "archive_file" "source" {
  type        = "zip"
  source_dir  = "${path.module}/../build/trigger"
  output_path = "${path.module}/../build/trigger.zip"
  # What firebase-tools and a developer leave there.
  excludes         = ["venv", "venv/**", ".env*", "**/__pycache__/**"]
  output_file_mode = "0644"
}

resource "google_storage_bucket_object" "source" {
  bucket = google_storage_bucket.source.name
  # A new bundle is a new object, and so a new revision of every function.
  name   = "functions/${data.archive_file.source.output_sha256}.zip"
  source = data.archive_file.source.output_path
}

resource "google_cloudfunctions2_function" "all" {
  for_each = local.functions

  project  = var.project
  location = var.region
  # Cloud Run, below it, knows no underscores.
  name = replace(each.key, "_", "-")

  build_config {
    runtime         = local.runtime
    entry_point     = each.key
    service_account = google_service_account.all["builder"].id
    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.source.name
      }
    }
  }

  service_config {
    available_memory                 = each.value.memory
    available_cpu                    = "1"
    timeout_seconds                  = each.value.timeout
    max_instance_count               = each.value.instances
    max_instance_request_concurrency = each.value.concurrency
    ingress_settings                 = "ALLOW_INTERNAL_ONLY"
    service_account_email            = google_service_account.all[each.value.account].email
    environment_variables            = local.function_environment

    dynamic "secret_environment_variables" {
      for_each = [for name, readers in local.secrets : name if contains(readers, each.value.account)]
      content {
        project_id = var.project
        key        = secret_environment_variables.value
        secret     = google_secret_manager_secret.all[secret_environment_variables.value].secret_id
        version    = "latest"
      }
    }
  }

  dynamic "event_trigger" {
    for_each = each.value.event == null ? [] : [each.value]
    content {
      event_type            = event_trigger.value.event
      trigger_region        = event_trigger.value.topic == null ? var.firestore_location : var.region
      pubsub_topic          = event_trigger.value.topic
      retry_policy          = "RETRY_POLICY_RETRY"
      service_account_email = google_service_account.all["trigger"].email

      dynamic "event_filters" {
        for_each = event_trigger.value.topic == null ? [local.database] : []
        content {
          attribute = "database"
          value     = event_filters.value
        }
      }
      dynamic "event_filters" {
        for_each = event_trigger.value.topic == null ? [event_trigger.value.document] : []
        content {
          attribute = "document"
          value     = event_filters.value
          operator  = "match-path-pattern"
        }
      }
    }
  }

  depends_on = [
    google_project_iam_member.builder,
    google_project_iam_member.notifiers,
    google_project_iam_member.documents,
    google_project_iam_member.events,
    google_project_service_identity.eventarc,
    google_secret_manager_secret_iam_member.all,
    google_storage_bucket_iam_member.builder,
  ]
}

# Who may call them: Eventarc for events, the scheduler for the sweep, nobody else.
resource "google_cloud_run_v2_service_iam_member" "functions" {
  for_each = google_cloudfunctions2_function.all

  project  = var.project
  location = var.region
  name     = each.value.name
  role     = "roles/run.invoker"
  member   = google_service_account.all[local.functions[each.key].event == null ? "scheduler" : "trigger"].member
}
