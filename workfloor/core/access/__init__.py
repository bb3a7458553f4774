"""Who acts, and who may do what: one table of permissions, and one question that every action asks first."""
