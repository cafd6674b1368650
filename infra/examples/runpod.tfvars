# Workers on RunPod pods that pull from here: no GPU at Google's, functions and queue only.
project            = "my-project"
region             = "europe-west1"
firestore_location = "eur3"

# No image: nothing of the worker runs in Cloud Run.
pools = {}

# Where the pods' host issues OIDC tokens, they act as the worker without a key. RunPod itself has no
# such issuer: leave this out and make a key, as docs/infra.md says.
pod_identity = {
  issuer   = "https://tokens.example.com"
  audience = "emberframe"
  subject  = "pod:emberframe-worker"
}

cors_origins = ["https://app.example.com"]

alert_emails = ["me@example.com", "you@example.com"]
alerts = {
  oldest_message_seconds = 1800
}
