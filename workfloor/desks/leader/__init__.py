"""The page of a team leader: queues against their targets, who does what, who needs help."""
