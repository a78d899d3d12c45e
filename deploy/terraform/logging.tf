# Cloud Run logs the address of each request. That of a webhook which is not signed holds a secret; that of a
# search may hold a name, an e-mail address or a telephone number, and so may the cursor of a list that is
# sorted by name. What the function itself logs of a request, its route and status, stays.

resource "google_logging_project_exclusion" "webhook_addresses" {
  name        = "${local.defaults.account_prefix}-webhook-addresses"
  description = "Addresses with a secret are not kept."
  filter      = "log_id(\"run.googleapis.com/requests\") AND httpRequest.requestUrl =~ \"/api/webhooks/lightspeed/sale-created/[^/?]+/[^/?]\""

  depends_on = [google_project_service.service]
}

resource "google_logging_project_exclusion" "searches" {
  name        = "${local.defaults.account_prefix}-searches"
  description = "Addresses with what somebody has searched for are not kept."
  filter      = "log_id(\"run.googleapis.com/requests\") AND httpRequest.requestUrl =~ \"[?&](q|phone|email|cursor)=\""

  depends_on = [google_project_service.service]
}
