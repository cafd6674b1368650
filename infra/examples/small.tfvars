# One L4 that is there while there is work: pictures and films, nothing while nobody asks.
project            = "my-project"
region             = "us-central1"
firestore_location = "nam5"

# Built with MODELS=all, see docs/container.md.
image = "us-central1-docker.pkg.dev/my-project/emberframe/worker@sha256:0000000000000000000000000000000000000000000000000000000000000000"

pools = {
  all = {
    tasks = "both"
    # Costs nothing idle; the first one then waits up to four minutes for a container, and for its
    # models (docs/architecture/24-scale.md). 1 keeps one.
    min = 0
    max = 1
  }
}

quotas = {
  concurrent    = 3
  daily_credits = 2000
}

alert_emails = ["me@example.com"]
alerts = {
  gpu_hours_a_day = 6
}

budget = {
  billing_account = "000000-000000-000000"
  amount          = 100
}
