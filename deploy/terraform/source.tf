# The one source of all functions: what .gcloudignore lets through, and nothing that it does not.

locals {
  root = "${path.module}/../.."

  ignore_lines = [for line in split("\n", file("${local.root}/.gcloudignore")) : trimspace(line)]
  let_through  = [for line in local.ignore_lines : trimprefix(line, "!") if startswith(line, "!") && !endswith(line, "/")]
  kept_out     = [for line in local.ignore_lines : trimsuffix(trimprefix(line, "**/"), "/") if startswith(line, "**/") && endswith(line, "/")]

  source_files = [
    for file in sort(setunion([for pattern in local.let_through : fileset(local.root, pattern)]...)) :
    file if length(setintersection(split("/", file), local.kept_out)) == 0
  ]
}

# Times and modes of the files are left out: the same files make the same archive on any machine.
data "archive_file" "source" {
  type             = "zip"
  output_path      = "${path.module}/.terraform/source.zip"
  output_file_mode = "0644"

  dynamic "source" {
    for_each = local.source_files
    content {
      filename = source.value
      content  = file("${local.root}/${source.value}")
    }
  }
}

resource "google_storage_bucket" "source" {
  # checkov:skip=CKV_GCP_62: it holds this repository's own source; who changes it is in the audit log
  name                        = "${var.project}-sync-sam-source"
  location                    = local.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  depends_on = [google_project_service.service]
}

resource "google_storage_bucket_object" "source" {
  name   = "source-${data.archive_file.source.output_sha256}.zip"
  bucket = google_storage_bucket.source.name
  source = data.archive_file.source.output_path

  deletion_policy = "ABANDON" # earlier versions stay: `source_object` leads back to them
}
