resource "google_pubsub_topic" "topic" {
  # checkov:skip=CKV_GCP_83: messages hold ids, no personal data; Google's own keys encrypt them
  for_each = toset(local.manifest.topics)

  name = each.key

  depends_on = [google_project_service.service]
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publications

  topic  = google_pubsub_topic.topic[each.value.topic].name
  role   = "roles/pubsub.publisher"
  member = google_service_account.function[each.value.function].member
}

# Tasks publish what was put off, to whatever topic a function listens to.
resource "google_pubsub_topic_iam_member" "tasks" {
  for_each = toset([for function in local.topic_functions : function.topic])

  topic  = google_pubsub_topic.topic[each.key].name
  role   = "roles/pubsub.publisher"
  member = google_service_account.shared["tasks"].member
}

resource "google_pubsub_subscription" "push" {
  for_each = local.topic_functions

  name  = "${each.value.service}-push"
  topic = google_pubsub_topic.topic[each.value.topic].id

  ack_deadline_seconds       = local.policies[each.key].ack_deadline_seconds
  message_retention_duration = "${local.policies[each.key].retention_seconds}s"

  # The topic in the path: the functions' framework reads it there.
  push_config {
    push_endpoint = "${google_cloudfunctions2_function.function[each.key].service_config[0].uri}/projects/${var.project}/topics/${each.value.topic}"

    oidc_token {
      service_account_email = google_service_account.shared["push"].email
      audience              = google_cloudfunctions2_function.function[each.key].service_config[0].uri
    }
  }

  retry_policy {
    minimum_backoff = "${local.policies[each.key].min_backoff_seconds}s"
    maximum_backoff = "${local.policies[each.key].max_backoff_seconds}s"
  }

  dynamic "dead_letter_policy" {
    for_each = contains(keys(local.given_up), each.key) ? [local.given_up[each.key]] : []
    content {
      dead_letter_topic     = google_pubsub_topic.topic[dead_letter_policy.value.dead_letter_topic].id
      max_delivery_attempts = dead_letter_policy.value.max_delivery_attempts
    }
  }

  # Never: one that nobody pushes to for 31 days would vanish with its messages.
  expiration_policy {
    ttl = ""
  }

  depends_on = [
    google_cloud_run_v2_service_iam_member.push,
    google_service_account_iam_member.signs_pushes,
  ]
}

# Dead letters: Pub/Sub itself publishes them, and acknowledges them in the subscription that gave them up.

resource "google_pubsub_topic_iam_member" "dead_letters" {
  for_each = toset([for policy in local.given_up : policy.dead_letter_topic])

  topic  = google_pubsub_topic.topic[each.key].name
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent

  depends_on = [google_project_service_identity.agent]
}

resource "google_pubsub_subscription_iam_member" "dead_letters" {
  for_each = local.given_up

  subscription = contains(keys(local.topic_functions), each.key) ? google_pubsub_subscription.push[each.key].name : local.eventarc_subscriptions[each.key]
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent

  depends_on = [google_project_service_identity.agent]
}
