# Which Terraform and which providers, and where the state lies.

terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
    # Firebase's own resources and service agents are only here.
    google-beta = {
      source  = "hashicorp/google-beta"
      version = "~> 6.50"
    }
    archive = {
      source  = "hashicorp/archive"
      version = "~> 2.7"
    }
  }

  # terraform init -backend-config="bucket=…" -backend-config="prefix=emberframe"
  backend "gcs" {}
}

provider "google" {
  project = var.project
  region  = var.region
  # Budgets are asked for in the name of this project.
  billing_project       = var.project
  user_project_override = true
}

provider "google-beta" {
  project               = var.project
  region                = var.region
  billing_project       = var.project
  user_project_override = true
}

data "google_project" "this" {
  project_id = var.project
  depends_on = [google_project_service.all]
}
