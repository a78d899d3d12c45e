variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
}

variable "region" {
  description = "Region of the functions, queues and schedules; the manifest's where it is left out."
  type        = string
  default     = null
}

variable "firestore_location" {
  description = "Location of the Firestore database: a region, or a multi-region as nam5. It cannot be changed later."
  type        = string
  default     = "nam5"
}

variable "database" {
  description = "Name of the Firestore database. After a restore: that of the restored one."
  type        = string
  default     = "(default)"
}

variable "firebase_api_key" {
  description = "Web API key of the Firebase project, with which people sign in at the console. It is no secret: every web application shows its own. Restrict it to the Identity Toolkit API."
  type        = string
  default     = ""
}

variable "create_database" {
  description = "Whether the database is made and kept here; false where it is there already, as a Firebase project's or a restored one."
  type        = bool
  default     = true
}

variable "deploy_rules" {
  description = "Whether deploy/firestore.rules become the database's rules; false where a project has its own, into which they are merged."
  type        = bool
  default     = true
}

variable "watch_orders" {
  description = "Whether orders written by other programs are noticed. Each order that a sync writes is an event too, which costs: false where only Sync Sam writes orders."
  type        = bool
  default     = true
}

variable "provider_hosts" {
  description = "Hosts beside the providers' own that orgs' settings may name, as {alleaves = [\"pos.example.com\"]}; *. stands for one label."
  type        = map(set(string))
  default     = {}

  validation {
    condition     = alltrue([for provider in keys(var.provider_hosts) : contains(["alleaves", "lightspeed", "alpineIq"], provider)])
    error_message = "Providers are alleaves, lightspeed and alpineIq."
  }

  validation {
    condition     = alltrue([for host in flatten([for hosts in var.provider_hosts : tolist(hosts)]) : can(regex("^([*][.])?[a-z0-9-]+([.][a-z0-9-]+)+$", host))])
    error_message = "A host is its name in small letters, without https:// and without a port."
  }
}

variable "secret_versions" {
  description = "Versions of secrets by variable, as {CRON_SECRET = \"3\"}, where not the manifest's."
  type        = map(string)
  default     = {}
}

variable "source_object" {
  description = "Name of an archive in the source bucket to deploy instead of this folder's: the way back to an earlier version."
  type        = string
  default     = null
}

variable "alert_emails" {
  description = "Addresses that alerts go to."
  type        = set(string)
  default     = []
}

variable "alert_channels" {
  description = "Notification channels that alerts go to besides: projects/P/notificationChannels/ID."
  type        = list(string)
  default     = []
}

variable "budget" {
  description = "What the project may cost a month before people are told; null: they never are."
  type = object({
    billing_account = string
    amount          = number
    currency        = optional(string, "USD")
  })
  default = null
}
