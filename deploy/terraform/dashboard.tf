# One chart for each metric that people are alerted to, with its threshold, and one of all instances.

locals {
  charts = concat(
    [for name, alert in local.manifest.alerts : {
      title     = name
      filter    = local.filters[name]
      aligner   = alert.aligner
      threshold = try(alert.above, null)
    }],
    [{
      title     = "instances"
      filter    = "metric.type = \"run.googleapis.com/container/instance_count\" AND resource.type = \"cloud_run_revision\""
      aligner   = "ALIGN_MAX"
      threshold = null
    }],
  )
  chart_width  = 16
  chart_height = 12
}

resource "google_monitoring_dashboard" "sync_sam" {
  dashboard_json = jsonencode({
    displayName = "Sync Sam"
    mosaicLayout = {
      columns = 3 * local.chart_width
      tiles = [for index, chart in local.charts : {
        xPos   = index % 3 * local.chart_width
        yPos   = floor(index / 3) * local.chart_height
        width  = local.chart_width
        height = local.chart_height
        widget = {
          title = chart.title
          xyChart = {
            dataSets = [{
              plotType = "LINE"
              timeSeriesQuery = {
                timeSeriesFilter = {
                  filter = chart.filter
                  aggregation = {
                    alignmentPeriod  = "60s"
                    perSeriesAligner = chart.aligner
                  }
                }
              }
            }]
            thresholds = chart.threshold == null ? [] : [{ value = chart.threshold }]
          }
        }
      }]
    }
  })

  depends_on = [google_project_service.service]
}
