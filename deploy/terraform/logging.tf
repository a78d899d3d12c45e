# Cloud Run logs the address of each request, and that of a webhook which is not signed holds a secret. What
# the function itself logs of it, its route and status, stays.

resource "google_logging_project_exclusion" "webhook_addresses" {
  name        = "${local.defaults.account_prefix}-webhook-addresses"
  description = "Addresses with a secret are not kept."
  filter      = "log_id(\"run.googleapis.com/requests\") AND httpRequest.requestUrl =~ \"/api/webhooks/lightspeed/sale-created/[^/?]+/[^/?]\""

  depends_on = [google_project_service.service]
}
