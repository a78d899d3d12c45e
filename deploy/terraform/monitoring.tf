locals {
  channels = concat(var.alert_channels, [for each in google_monitoring_notification_channel.email : each.name])

  # Metrics by the names that the manifest gives them: `log:NAME` is one of its own.
  metrics = {
    for metric in toset([for each in concat(values(local.manifest.alerts), values(local.manifest.objectives)) : each.metric]) :
    metric => startswith(metric, "log:") ? "logging.googleapis.com/user/${google_logging_metric.counter[trimprefix(metric, "log:")].name}" : metric
  }
  filters = {
    for name, each in merge(local.manifest.alerts, local.manifest.objectives) : name => join(" AND ", compact([
      "metric.type = \"${local.metrics[each.metric]}\"",
      "resource.type = \"${each.resource}\"",
      try(each.filter, ""),
    ]))
  }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.alert_emails

  display_name = "Sync Sam: ${each.key}"
  type         = "email"
  labels = {
    email_address = each.key
  }

  depends_on = [google_project_service.service]
}

resource "google_logging_metric" "counter" {
  for_each = local.manifest.log_metrics

  name = "${local.defaults.account_prefix}-${each.key}"
  filter = join(" AND ", compact([
    try("resource.type = \"cloud_run_revision\" AND jsonPayload.message = \"${each.value.event}\"", each.value.filter),
    try("jsonPayload.${each.value.value} >= 0", ""),
  ]))
  value_extractor = try("EXTRACT(jsonPayload.${each.value.value})", null)

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = can(each.value.value) ? "DISTRIBUTION" : "INT64"
  }

  depends_on = [google_project_service.service]
}

resource "google_monitoring_alert_policy" "alert" {
  for_each = local.manifest.alerts

  display_name          = "Sync Sam: ${each.key}"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = each.key

    dynamic "condition_threshold" {
      for_each = can(each.value.above) ? [each.value.above] : []
      content {
        filter          = local.filters[each.key]
        comparison      = "COMPARISON_GT"
        threshold_value = condition_threshold.value
        duration        = "${each.value.for_seconds}s"

        aggregations {
          alignment_period   = "60s"
          per_series_aligner = each.value.aligner
        }
      }
    }

    dynamic "condition_absent" {
      for_each = try(each.value.absent, false) ? [true] : []
      content {
        filter   = local.filters[each.key]
        duration = "${each.value.for_seconds}s"

        # Whichever instance says so.
        aggregations {
          alignment_period     = "60s"
          per_series_aligner   = each.value.aligner
          cross_series_reducer = "REDUCE_SUM"
        }
      }
    }
  }
}

# Each function has a maximum of its own: at it, further requests are refused.
resource "google_monitoring_alert_policy" "instances" {
  for_each = local.functions

  display_name          = "Sync Sam: ${each.key} at its maximum of ${each.value.max_instances} instances"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = "instances"

    condition_threshold {
      filter          = "metric.type = \"run.googleapis.com/container/instance_count\" AND resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${each.value.service}\""
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.max_instances - 0.5
      duration        = "900s"

      # Active and idle instances, of all revisions.
      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_MAX"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  depends_on = [google_project_service.service]
}

resource "google_monitoring_custom_service" "sync_sam" {
  service_id   = "sync-sam"
  display_name = "Sync Sam"

  depends_on = [google_project_service.service]
}

resource "google_monitoring_slo" "objective" {
  for_each = local.manifest.objectives

  service             = google_monitoring_custom_service.sync_sam.service_id
  slo_id              = each.key
  display_name        = each.key
  goal                = each.value.goal
  rolling_period_days = 28

  dynamic "request_based_sli" {
    for_each = can(each.value.window_seconds) ? [] : [each.value]
    content {
      dynamic "good_total_ratio" {
        for_each = can(each.value.good) ? [each.value.good] : []
        content {
          good_service_filter  = "${local.filters[each.key]} AND ${good_total_ratio.value}"
          total_service_filter = local.filters[each.key]
        }
      }

      dynamic "distribution_cut" {
        for_each = can(each.value.below) ? [each.value.below] : []
        content {
          distribution_filter = local.filters[each.key]

          range {
            max = distribution_cut.value
          }
        }
      }
    }
  }

  dynamic "windows_based_sli" {
    for_each = can(each.value.window_seconds) ? [each.value] : []
    content {
      window_period = "${windows_based_sli.value.window_seconds}s"

      metric_mean_in_range {
        time_series = local.filters[each.key]

        range {
          max = windows_based_sli.value.below
        }
      }
    }
  }
}

resource "google_billing_budget" "budget" {
  count = var.budget == null ? 0 : 1

  billing_account = var.budget.billing_account
  display_name    = "Sync Sam (${var.project})"

  budget_filter {
    projects = ["projects/${data.google_project.project.number}"]
  }

  amount {
    specified_amount {
      currency_code = var.budget.currency
      units         = tostring(floor(var.budget.amount))
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }

  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }

  all_updates_rule {
    monitoring_notification_channels = slice(local.channels, 0, min(5, length(local.channels))) # as many as it takes
    disable_default_iam_recipients   = false
  }

  depends_on = [google_project_service.service]
}
