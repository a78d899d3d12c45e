terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.7"
    }
    google-beta = {
      source  = "hashicorp/google-beta"
      version = "~> 8.7"
    }
    archive = {
      source  = "hashicorp/archive"
      version = "~> 2.7"
    }
  }

  # The bucket is given to `terraform init`: -backend-config=bucket=NAME
  backend "gcs" {
    prefix = "sync-sam"
  }
}

provider "google" {
  project = var.project
  region  = local.region

  # Budgets belong to a billing account: their API asks which project pays for the call.
  user_project_override = true
  billing_project       = var.project
}

provider "google-beta" {
  project = var.project
  region  = local.region
}
