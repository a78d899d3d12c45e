resource "google_firestore_database" "database" {
  count = var.create_database ? 1 : 0

  name                              = var.database
  location_id                       = var.firestore_location
  type                              = "FIRESTORE_NATIVE"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = "DELETE_PROTECTION_ENABLED"
  deletion_policy                   = "ABANDON" # destroying the deployment leaves the data

  depends_on = [google_project_service.service]
}

locals {
  # Where Terraform makes the database, whatever belongs to it waits for it.
  database = var.create_database ? google_firestore_database.database[0].name : var.database
}

resource "google_firestore_backup_schedule" "daily" {
  database  = local.database
  retention = "1209600s" # 14 days

  daily_recurrence {}
}

resource "google_firestore_backup_schedule" "weekly" {
  database  = local.database
  retention = "8467200s" # 14 weeks, the longest there is

  weekly_recurrence {
    day = "SUNDAY"
  }
}

resource "google_firestore_index" "index" {
  for_each = {
    for index in local.indexes.indexes :
    join("/", concat(
      [index.collectionGroup, index.queryScope],
      [for field in index.fields : "${field.fieldPath} ${try(field.order, field.arrayConfig)}"],
    )) => index
  }

  database    = local.database
  collection  = each.value.collectionGroup
  query_scope = each.value.queryScope

  dynamic "fields" {
    for_each = each.value.fields
    content {
      field_path   = fields.value.fieldPath
      order        = try(fields.value.order, null)
      array_config = try(fields.value.arrayConfig, null)
    }
  }
}

locals {
  overrides  = { for each in local.indexes.fieldOverrides : "${each.collectionGroup}/${each.fieldPath}" => each }
  all_fields = { for name, override in local.overrides : override.collectionGroup => override if override.fieldPath == "*" }
}

resource "google_firestore_field" "field" {
  for_each = { for name, override in local.overrides : name => override if override.fieldPath != "*" }

  database   = local.database
  collection = each.value.collectionGroup
  field      = each.value.fieldPath

  index_config {
    dynamic "indexes" {
      for_each = each.value.indexes
      content {
        order        = try(indexes.value.order, null)
        array_config = try(indexes.value.arrayConfig, null)
        query_scope  = try(indexes.value.queryScope, "COLLECTION")
      }
    }
  }

  dynamic "ttl_config" {
    for_each = try(each.value.ttl, false) ? [true] : []
    content {}
  }
}

# What all other fields of a collection group have ("*"). The provider sends a TTL with every field, which
# Firestore refuses for all fields at once; its own API takes the indexes alone.
resource "terraform_data" "all_fields" {
  for_each = local.all_fields

  triggers_replace = [local.database, each.value.indexes]

  provisioner "local-exec" {
    command = <<-EOT
      TOKEN="$(gcloud auth print-access-token)" && printf 'header = "Authorization: Bearer %s"' "$TOKEN" | curl --config - \
        --fail-with-body --silent --show-error --max-time 60 --retry 5 --retry-all-errors \
        --request PATCH --data "$INDEX_CONFIG" --header "Content-Type: application/json" \
        --header "X-Goog-User-Project: $PROJECT" \
        "https://firestore.googleapis.com/v1/projects/$PROJECT/databases/$DATABASE/collectionGroups/$GROUP/fields/*?updateMask=indexConfig"
    EOT

    environment = {
      PROJECT      = var.project
      DATABASE     = local.database
      GROUP        = each.key
      INDEX_CONFIG = jsonencode({ indexConfig = { indexes = each.value.indexes } })
    }
  }
}
