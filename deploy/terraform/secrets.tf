# The secrets without their values: those are added with `gcloud secrets versions add`, and so are never in
# Terraform's state. A function cannot be deployed before each of its secrets has a version.
resource "google_secret_manager_secret" "secret" {
  for_each = local.manifest.secrets

  secret_id = each.value.secret

  replication {
    auto {}
  }

  depends_on = [google_project_service.service]
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = local.secret_readings

  secret_id = google_secret_manager_secret.secret[each.value.variable].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.function[each.value.function].member
}

# What orgs' settings name (`secret:pos-…`). Secrets come and go with orgs: hence a prefix, not a list.
resource "google_project_iam_member" "org_secrets" {
  for_each = { for name, function in local.functions : name => function if function.org_secrets }

  project = var.project
  role    = "roles/secretmanager.secretAccessor"
  member  = google_service_account.function[each.key].member

  condition {
    title      = "secrets of orgs"
    expression = "resource.name.startsWith(\"projects/${data.google_project.project.number}/secrets/${local.org_secret_prefix}\")"
  }
}

# A POS may replace a secret with each use of it: the new one becomes its next version.
resource "google_project_iam_member" "replaced_secrets" {
  for_each = { for name, function in local.functions : name => function if function.replaces_secrets }

  project = var.project
  role    = "roles/secretmanager.secretVersionManager"
  member  = google_service_account.function[each.key].member

  condition {
    title      = "secrets of orgs"
    expression = "resource.name.startsWith(\"projects/${data.google_project.project.number}/secrets/${local.org_secret_prefix}\")"
  }
}
