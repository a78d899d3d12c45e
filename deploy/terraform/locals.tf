# What follows from the manifest. Its form is described in deploy/manifest.py, which checks it.

locals {
  manifest = yamldecode(file("${path.module}/../functions.yaml"))
  indexes  = jsondecode(file("${path.module}/../../firestore.indexes.json"))

  defaults = local.manifest.defaults
  region   = coalesce(var.region, local.defaults.region)

  functions = {
    for name, own in local.manifest.functions : name => merge(
      {
        min_instances    = 0
        public           = false
        firestore        = null
        org_secrets      = false
        replaces_secrets = false
        sessions         = false
        begins_sessions  = false
        secrets          = []
      },
      local.defaults,
      own,
      {
        service   = replace(name, "_", "-")
        env       = concat(local.defaults.env, try(own.env, []))
        topic     = try(own.trigger.topic, null)
        documents = try(own.trigger.firestore, null)
        queues    = [for each in try(own.env, []) : local.manifest.env[each].queue if can(local.manifest.env[each].queue)]
        publishes = try(own.publishes, [for each in try(own.env, []) : local.manifest.env[each].topic if can(local.manifest.env[each].topic)])
      },
    ) if var.watch_orders || !can(own.trigger.firestore)
  }

  public_functions   = { for name, function in local.functions : name => function if function.public }
  topic_functions    = { for name, function in local.functions : name => function if function.topic != null }
  document_functions = { for name, function in local.functions : name => function if function.documents != null }

  # The policy of each subscription: what it says itself, or else the defaults.
  policies = {
    for name in keys(merge(local.topic_functions, local.document_functions)) :
    name => merge(local.manifest.subscriptions.defaults, try(local.manifest.subscriptions[name], {}))
  }
  given_up = { for name, policy in local.policies : name => policy if policy.dead_letter_topic != null }

  # Known before the accounts are there, so that a plan shows what functions are given.
  addresses = {
    for name in concat(local.manifest.accounts, [for function in local.functions : function.service]) :
    name => "${local.defaults.account_prefix}-${name}@${var.project}.iam.gserviceaccount.com"
  }

  # As in shared/domain/org_secrets.py.
  org_secret_prefix = "pos-"

  deployment = {
    project          = var.project
    database         = var.database
    provider_hosts   = join(",", flatten([for provider, hosts in var.provider_hosts : [for host in hosts : "${provider}=${host}"]]))
    firebase_api_key = var.firebase_api_key
  }
  topics_of = {
    functions = jsonencode({ for name, function in local.topic_functions : name => "projects/${var.project}/topics/${function.topic}" })
  }

  environment = {
    for name, function in local.functions : name => {
      for variable in function.env : variable => try(
        "projects/${var.project}/topics/${local.manifest.env[variable].topic}",
        "projects/${var.project}/locations/${local.region}/keyRings/${local.defaults.account_prefix}/cryptoKeys/${local.manifest.env[variable].key}",
        "projects/${var.project}/locations/${local.region}/queues/${local.manifest.env[variable].queue}",
        local.topics_of[local.manifest.env[variable].topics_of],
        tostring(function[local.manifest.env[variable].own]),
        local.addresses[local.manifest.env[variable].account],
        local.deployment[local.manifest.env[variable].deployment],
        local.manifest.env[variable].value,
      )
    }
  }

  # Pairs of a function and what it uses, by a name of both.
  publications = {
    for pair in flatten([
      for name, function in local.functions : [for topic in function.publishes : { function = name, topic = topic }]
    ]) : "${pair.function}/${pair.topic}" => pair
  }
  enqueuings = {
    for pair in flatten([
      for name, function in local.functions : [for queue in function.queues : { function = name, queue = queue }]
    ]) : "${pair.function}/${pair.queue}" => pair
  }
  secret_readings = {
    for pair in flatten([
      for name, function in local.functions : [for variable in function.secrets : { function = name, variable = variable }]
    ]) : "${pair.function}/${pair.variable}" => pair
  }
}
