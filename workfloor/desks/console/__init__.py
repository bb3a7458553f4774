"""Administration: what can be changed here, by whom, and who changed what."""
