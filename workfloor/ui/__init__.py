"""What pages share: the frame, the live refresh, durations, icons, sign-in and error pages."""
