"""What leaders and agents write to one another on the floor, and what is whispered into a contact."""
