"""The one place that puts services and clients together: a module per function, each with the
settings that its environment must give it. Built once per instance, at its start."""
