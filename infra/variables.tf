# Everything an operator chooses. docs/infra.md explains each; examples/ has two whole deployments.

variable "project" {
  description = "The id of the Google Cloud project. It must exist, with billing; everything in it is made here."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project id has 6 to 30 lower-case letters, digits and hyphens and begins with a letter."
  }
}

variable "region" {
  description = "Where functions and workers run. Cloud Run has L4 GPUs in some regions only."
  type        = string
  default     = "us-central1"
}

variable "firestore_location" {
  description = "Where the database lies: a region, or nam5 or eur3. It can never be changed; near `region` is fast."
  type        = string
  default     = "nam5"
}

variable "bucket" {
  description = "Name of the bucket of pictures, films and input images; null: {project}-emberframe. One database's only."
  type        = string
  default     = null
}

variable "cors_origins" {
  description = "Origins of web apps that may fetch pictures and films from the bucket, like https://app.example.com."
  type        = list(string)
  default     = []
}

variable "nearline_days" {
  description = "Days after which files move to Nearline storage, which costs half and something for each look; 0: never."
  type        = number
  default     = 0

  validation {
    condition     = var.nearline_days >= 0 && floor(var.nearline_days) == var.nearline_days
    error_message = "It must be a whole number of days, 0 or more."
  }
}

variable "image" {
  description = "The worker's container image, by digest: …/worker@sha256:…. Null: none is deployed yet."
  type        = string
  default     = null

  validation {
    condition     = var.image == null ? true : can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "The image must be named by its digest (…@sha256:…), so that what was tested is what runs."
  }
}

variable "pools" {
  description = "Cloud Run worker pools that pull: name → what they take, how many there may be, and on what."
  type = map(object({
    tasks = optional(string, "both")
    min   = optional(number, 0)
    max   = optional(number, 1)
    # Messages that wait or are being worked on, for each container.
    jobs_per_container = optional(number, 4)
    gpu                = optional(string, "nvidia-l4")
    cpu                = optional(string, "8")
    memory             = optional(string, "32Gi")
    environment        = optional(map(string), {})
  }))
  default = {}

  validation {
    condition     = alltrue([for pool in values(var.pools) : contains(["image", "video", "both"], pool.tasks)])
    error_message = "What a pool takes (tasks) must be image, video or both."
  }

  validation {
    condition     = alltrue([for pool in values(var.pools) : pool.min >= 0 && pool.max >= max(pool.min, 1)])
    error_message = "A pool's max must be at least 1 and at least its min."
  }

  validation {
    condition     = var.push == null || alltrue([for pool in values(var.pools) : pool.tasks == "video"])
    error_message = "With push, pictures are pushed and not pulled: pools can take video only."
  }

  validation {
    condition = alltrue(flatten([
      for pool in values(var.pools) : [for kind in keys(var.runpod_endpoints) : !contains([kind, "both"], pool.tasks)]
    ]))
    error_message = "What runpod_endpoints names is handed to RunPod and not pulled: no pool can take it."
  }
}

variable "push" {
  description = "A Cloud Run service for pictures that Pub/Sub pushes to, and that scales to zero by itself; null: none."
  type = object({
    max         = optional(number, 1)
    slots       = optional(number, 2)
    gpu         = optional(string, "nvidia-l4")
    cpu         = optional(string, "8")
    memory      = optional(string, "32Gi")
    environment = optional(map(string), {})
  })
  default = null

  validation {
    condition     = var.push == null || !contains(keys(var.runpod_endpoints), "image")
    error_message = "Pictures are either pushed (push) or handed to RunPod (runpod_endpoints), not both."
  }

  validation {
    condition     = var.push == null || var.image != null
    error_message = "With push there must be an image to run (image): else nothing would take pictures at all. Leave both out until there is one."
  }
}

variable "models_bucket" {
  description = "A bucket with checkpoints in folders (sdxl, wan, nsfw), mounted at /checkpoints; null: the image has them, or they are downloaded."
  type        = string
  default     = null
}

variable "worker_environment" {
  description = "Further settings of every worker (docs/settings.md). No secrets: they would lie in the state."
  type        = map(string)
  default     = {}
}

variable "function_environment" {
  description = "Further settings of every function (docs/settings.md). No secrets: they would lie in the state."
  type        = map(string)
  default     = {}
}

variable "autoscaler_image" {
  description = "Google's Cloud Run External Metrics Autoscaler, which sets how many containers a pool has."
  type        = string
  default     = "us-central1-docker.pkg.dev/cloud-run-oss-images/crema-v1/autoscaler:1.0"
}

variable "max_images" {
  description = "The most num_images that a request may ask for, 1 to 16."
  type        = number
  default     = 2
}

variable "blocked_terms" {
  description = "Words that prompts must not have, with commas between them; null: the built-in list."
  type        = string
  default     = null
}

variable "quotas" {
  description = "What a user may have: generations at once and credits a day; enabled = false: nobody is limited."
  type = object({
    enabled       = optional(bool, true)
    concurrent    = optional(number, 10)
    daily_credits = optional(number, 10000)
  })
  default = {}
}

variable "notifications" {
  description = "Tells the devices of a generation's owner how it ended, through FCM; texts are plain or keys. Null: nobody is told."
  type = object({
    texts  = optional(string, "plain")
    images = optional(bool, false)
  })
  default = null

  validation {
    condition     = var.notifications == null ? true : contains(["plain", "keys"], var.notifications.texts)
    error_message = "The texts of notifications are plain or keys."
  }
}

variable "runpod_endpoints" {
  description = "RunPod serverless endpoints that get a kind's generations: {image = \"…\", video = \"…\"}. Empty: none."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for kind in keys(var.runpod_endpoints) : contains(["image", "video"], kind)])
    error_message = "The kinds are image and video."
  }
}

variable "s3" {
  description = "An S3-compatible store for pictures and films in place of the bucket; its keys go into Secret Manager. Null: none."
  type = object({
    bucket     = string
    region     = string
    endpoint   = optional(string)
    path_style = optional(bool, false)
  })
  default = null
}

variable "pod_identity" {
  description = "Lets pods outside Google act as the worker without a key: an OIDC issuer and whose tokens count. Null: none."
  type = object({
    issuer   = string
    audience = string
    # The `sub` of tokens that may act as the worker.
    subject = string
  })
  default = null

  validation {
    condition     = var.pod_identity == null ? true : startswith(var.pod_identity.issuer, "https://")
    error_message = "The issuer is an https:// address."
  }
}

variable "alert_emails" {
  description = "Who hears of alerts and of the budget."
  type        = list(string)
  default     = []
}

variable "alerts" {
  description = "From where on an alert is raised."
  type = object({
    oldest_message_seconds = optional(number, 900)
    failure_share          = optional(number, 0.05)
    lease_lapses_an_hour   = optional(number, 3)
    idle_minutes           = optional(number, 30)
    gpu_hours_a_day        = optional(number, 12)
  })
  default = {}
}

variable "budget" {
  description = "Monthly budget in the billing account's currency; mails at 50, 90 and 100 per cent. It stops nothing. Null: none."
  type = object({
    billing_account = string
    amount          = number
    currency        = optional(string, "USD")
  })
  default = null
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to remove the database and the bucket with files in it."
  type        = bool
  default     = true
}
