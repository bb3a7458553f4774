"""The page of a team leader: queues against their promises, who does what, who needs help."""
