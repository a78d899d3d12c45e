"""``make demo``: the main job, from a scheduler's tick to a customer's segment, checked."""
