output "functions" {
  description = "URL of each function."
  value       = { for name, function in google_cloudfunctions2_function.function : name => function.service_config[0].uri }
}

output "secrets" {
  description = "Names of the secrets that need a version, by variable."
  value       = { for variable, secret in google_secret_manager_secret.secret : variable => secret.secret_id }
}

output "schedules" {
  description = "Names of the schedules, to pause and resume."
  value       = [for schedule in google_cloud_scheduler_job.schedule : schedule.name]
}

output "source_object" {
  description = "The archive that is deployed: given as `source_object` later, it comes back."
  value       = coalesce(var.source_object, google_storage_bucket_object.source.name)
}

output "source_bucket" {
  description = "Where the archives are."
  value       = google_storage_bucket.source.name
}

output "region" {
  description = "Region of the functions, queues and schedules."
  value       = local.region
}

output "database" {
  description = "Name of the Firestore database."
  value       = var.database
}
