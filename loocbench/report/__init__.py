"""Tables and pictures made of rows."""
