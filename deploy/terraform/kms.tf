# What secrets in orgs' settings are sealed with. Versions are kept: what an old one has sealed stays readable. A key
# ring cannot be deleted, and a key whose versions are destroyed takes with it all that was sealed.

resource "google_kms_key_ring" "ring" {
  name     = local.defaults.account_prefix
  location = local.region

  depends_on = [google_project_service.service]
}

resource "google_kms_crypto_key" "key" {
  for_each = toset(local.manifest.keys)

  name            = each.key
  key_ring        = google_kms_key_ring.ring.id
  purpose         = "ENCRYPT_DECRYPT"
  rotation_period = "31536000s" # a year: each version costs as long as it is kept

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_kms_crypto_key_iam_member" "opens" {
  for_each = { for name, function in local.functions : name => function if function.org_secrets }

  crypto_key_id = google_kms_crypto_key.key["org-secrets"].id
  role          = "roles/cloudkms.cryptoKeyDecrypter"
  member        = google_service_account.function[each.key].member
}

resource "google_kms_crypto_key_iam_member" "seals" {
  for_each = { for name, function in local.functions : name => function if function.replaces_secrets }

  crypto_key_id = google_kms_crypto_key.key["org-secrets"].id
  role          = "roles/cloudkms.cryptoKeyEncrypter"
  member        = google_service_account.function[each.key].member
}
