"""Files in and out: reading tables, importing them into a project, exporting what was decided."""
