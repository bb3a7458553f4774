"""What a mail is and where it belongs."""
