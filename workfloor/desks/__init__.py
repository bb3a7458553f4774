"""The screens, across the floors below."""
