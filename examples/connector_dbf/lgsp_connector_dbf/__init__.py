"""The connector `dbf`: a table of dBASE or FoxPro."""
