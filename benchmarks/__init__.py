"""What is measured, each figure beside the limit or the peer that it is measured against."""
