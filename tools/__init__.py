"""Tools for those who develop Packslip."""
