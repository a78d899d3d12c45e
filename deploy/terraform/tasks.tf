resource "google_cloud_tasks_queue" "queue" {
  for_each = local.manifest.queues

  name     = each.key
  location = local.region

  rate_limits {
    max_dispatches_per_second = try(each.value.rate_limits.max_dispatches_per_second, null)
    max_concurrent_dispatches = try(each.value.rate_limits.max_concurrent_dispatches, null)
  }

  retry_config {
    max_attempts       = try(each.value.retry.max_attempts, null)
    max_retry_duration = try("${each.value.retry.max_retry_seconds}s", null)
    min_backoff        = try("${each.value.retry.min_backoff_seconds}s", null)
    max_backoff        = try("${each.value.retry.max_backoff_seconds}s", null)
    max_doublings      = try(each.value.retry.max_doublings, null)
  }

  depends_on = [google_project_service.service]
}

resource "google_cloud_tasks_queue_iam_member" "enqueuer" {
  for_each = local.enqueuings

  location = local.region
  name     = google_cloud_tasks_queue.queue[each.value.queue].name
  role     = "roles/cloudtasks.enqueuer"
  member   = google_service_account.function[each.value.function].member
}
