# Last of all: made paused, and set going once a tick for one org has gone well. From then on it is people
# who pause and resume them.
resource "google_cloud_scheduler_job" "schedule" {
  for_each = local.manifest.schedules

  name      = each.key
  region    = local.region
  schedule  = each.value.cron
  time_zone = each.value.timezone
  paused    = true

  pubsub_target {
    topic_name = google_pubsub_topic.topic[each.value.topic].id
    data       = base64encode(jsonencode(each.value.message))
  }

  lifecycle {
    ignore_changes = [paused]
  }

  depends_on = [google_pubsub_subscription.push]
}
