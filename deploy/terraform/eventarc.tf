# Changed documents: a trigger, and the subscription that Eventarc makes for it.

resource "google_eventarc_trigger" "documents" {
  for_each = local.document_functions

  name                    = each.value.service
  location                = var.create_database ? google_firestore_database.database[0].location_id : var.firestore_location
  service_account         = google_service_account.shared["eventarc"].email
  event_data_content_type = "application/protobuf"

  matching_criteria {
    attribute = "type"
    value     = "google.cloud.firestore.document.v1.${each.value.documents.event}"
  }
  matching_criteria {
    attribute = "database"
    value     = var.database
  }
  matching_criteria {
    attribute = "document"
    value     = each.value.documents.document
    operator  = "match-path-pattern"
  }

  destination {
    cloud_run_service {
      service = google_cloudfunctions2_function.function[each.key].name
      region  = local.region
    }
  }

  depends_on = [
    google_cloud_run_v2_service_iam_member.eventarc,
    google_project_iam_member.eventarc,
    google_project_service_identity.agent,
    google_service_account_iam_member.signs_pushes,
  ]
}

locals {
  # By their short names, as google_pubsub_subscription has them; known once the trigger is there.
  eventarc_subscriptions = {
    for name, trigger in google_eventarc_trigger.documents : name => try(basename(trigger.transport[0].pubsub[0].subscription), "")
  }
}

# A trigger takes no policy, and a subscription that Terraform did not make cannot be changed as a resource.
# Eventarc's own would drop an event after a day, without a dead letter.
resource "terraform_data" "eventarc_policy" {
  for_each = { for name, policy in local.given_up : name => policy if contains(keys(local.document_functions), name) }

  triggers_replace = [local.eventarc_subscriptions[each.key], each.value]

  provisioner "local-exec" {
    command = <<-EOT
      gcloud pubsub subscriptions update "$SUBSCRIPTION" --project="$PROJECT" --quiet \
        --ack-deadline="${each.value.ack_deadline_seconds}" \
        --message-retention-duration="${each.value.retention_seconds}s" \
        --min-retry-delay="${each.value.min_backoff_seconds}s" \
        --max-retry-delay="${each.value.max_backoff_seconds}s" \
        --dead-letter-topic="${each.value.dead_letter_topic}" \
        --max-delivery-attempts="${each.value.max_delivery_attempts}" \
        --expiration-period=never
    EOT

    environment = {
      PROJECT      = var.project
      SUBSCRIPTION = local.eventarc_subscriptions[each.key]
    }
  }

  depends_on = [
    google_pubsub_topic_iam_member.dead_letters,
    google_pubsub_subscription_iam_member.dead_letters,
  ]
}
