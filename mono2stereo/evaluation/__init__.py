"""What the model is among its alternatives: stretches measured, tables, statistics, plots, the report."""
