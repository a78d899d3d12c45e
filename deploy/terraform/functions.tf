resource "google_cloudfunctions2_function" "function" {
  # checkov:skip=CKV_GCP_124: only the public doors take calls from outside; see ingress_settings below
  for_each = local.functions

  name     = each.value.service
  location = local.region

  build_config {
    runtime         = local.defaults.runtime
    entry_point     = each.key
    service_account = google_service_account.shared["build"].id

    environment_variables = {
      GOOGLE_FUNCTION_SOURCE = "functions/${each.key}/main.py"
    }

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = coalesce(var.source_object, google_storage_bucket_object.source.name)
      }
    }
  }

  # No event trigger: the subscriptions below push to the function, with policies of their own.
  service_config {
    service_account_email            = google_service_account.function[each.key].email
    available_memory                 = "${each.value.memory_mb}Mi"
    available_cpu                    = tostring(each.value.cpu)
    timeout_seconds                  = each.value.timeout_seconds
    max_instance_request_concurrency = each.value.concurrency
    min_instance_count               = each.value.min_instances
    max_instance_count               = each.value.max_instances
    all_traffic_on_latest_revision   = true
    environment_variables            = local.environment[each.key]

    # Pub/Sub and Eventarc of the same project count as internal.
    ingress_settings = each.value.public ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"

    dynamic "secret_environment_variables" {
      for_each = toset(each.value.secrets)
      content {
        key        = secret_environment_variables.key
        project_id = var.project
        secret     = google_secret_manager_secret.secret[secret_environment_variables.key].secret_id
        version    = lookup(var.secret_versions, secret_environment_variables.key, tostring(local.manifest.secrets[secret_environment_variables.key].version))
      }
    }
  }

  # A function that starts finds what it may use, and queries find their indexes.
  depends_on = [
    google_cloud_tasks_queue_iam_member.enqueuer,
    google_firestore_field.field,
    google_firestore_index.index,
    google_kms_crypto_key_iam_member.opens,
    google_kms_crypto_key_iam_member.seals,
    google_project_iam_member.build,
    google_project_iam_member.firestore,
    google_project_iam_member.sessions,
    google_project_iam_member.begins_sessions,
    google_pubsub_topic_iam_member.publisher,
    google_secret_manager_secret_iam_member.reader,
    google_service_account_iam_member.acts_for_tasks,
    terraform_data.all_fields,
  ]
}

resource "google_cloud_run_v2_service_iam_member" "push" {
  for_each = local.topic_functions

  location = local.region
  name     = google_cloudfunctions2_function.function[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.shared["push"].member
}

resource "google_cloud_run_v2_service_iam_member" "eventarc" {
  for_each = local.document_functions

  location = local.region
  name     = google_cloudfunctions2_function.function[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.shared["eventarc"].member
}

# The routes say who is served: staff by their session, a POS by its signature, machines by the secret.
resource "google_cloud_run_v2_service_iam_member" "public" {
  for_each = local.public_functions

  location = local.region
  name     = google_cloudfunctions2_function.function[each.key].name
  role     = "roles/run.invoker"
  member   = "allUsers"
}
