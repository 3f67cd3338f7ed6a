"""The cockpit and the panels in it: forms, tables and logs."""
