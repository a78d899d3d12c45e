# Who acts, and what each may do. Nobody has more than the manifest implies.

resource "google_service_account" "function" {
  for_each = local.functions

  account_id   = "${local.defaults.account_prefix}-${each.value.service}"
  display_name = "Sync Sam: function ${each.key}"

  depends_on = [google_project_service.service]
}

resource "google_service_account" "shared" {
  for_each = toset(local.manifest.accounts)

  account_id   = "${local.defaults.account_prefix}-${each.key}"
  display_name = "Sync Sam: ${each.key}"

  depends_on = [google_project_service.service]
}

# build: makes the functions' images.

resource "google_project_iam_member" "build" {
  for_each = toset(["roles/artifactregistry.writer", "roles/logging.logWriter", "roles/storage.objectViewer"])

  project = var.project
  role    = each.key
  member  = google_service_account.shared["build"].member
}

# Firestore: of this one database, read or write as the manifest says.

locals {
  firestore_roles = {
    read  = "roles/datastore.viewer"
    write = "roles/datastore.user"
  }
}

resource "google_project_iam_member" "firestore" {
  for_each = { for name, function in local.functions : name => function if function.firestore != null }

  project = var.project
  role    = local.firestore_roles[each.value.firestore]
  member  = google_service_account.function[each.key].member

  condition {
    title      = "database ${var.database}"
    expression = "resource.name == \"projects/${var.project}/databases/${var.database}\""
  }
}

# Sessions of people: whether one is revoked, or its account disabled.

resource "google_project_iam_member" "sessions" {
  for_each = { for name, function in local.functions : name => function if function.sessions }

  project = var.project
  role    = "roles/firebaseauth.viewer"
  member  = google_service_account.function[each.key].member
}

# The console begins sessions, and ends those of who signs out: that is a change of the account, for
# which Firebase has no smaller permission.

resource "google_project_iam_custom_role" "begins_sessions" {
  role_id     = replace("${local.defaults.account_prefix}-sessions", "-", "_")
  title       = "Sync Sam: begins and ends sessions"
  permissions = ["firebaseauth.users.createSession", "firebaseauth.users.update"]
}

resource "google_project_iam_member" "begins_sessions" {
  for_each = { for name, function in local.functions : name => function if function.begins_sessions }

  project = var.project
  role    = google_project_iam_custom_role.begins_sessions.name
  member  = google_service_account.function[each.key].member
}

# Tasks: a function that creates one names the account that the task calls Pub/Sub as.

resource "google_service_account_iam_member" "acts_for_tasks" {
  for_each = local.enqueuings

  service_account_id = google_service_account.shared["tasks"].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.function[each.value.function].member
}

# Pub/Sub signs its pushes as `push`; Eventarc delivers over Pub/Sub as `eventarc`.

resource "google_service_account_iam_member" "signs_pushes" {
  for_each = toset(["eventarc", "push"])

  service_account_id = google_service_account.shared[each.key].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent

  depends_on = [google_project_service_identity.agent]
}

resource "google_project_iam_member" "eventarc" {
  project = var.project
  role    = "roles/eventarc.eventReceiver"
  member  = google_service_account.shared["eventarc"].member
}
