"""The desk of an agent: being available, the offer, the work in hand, the day."""
