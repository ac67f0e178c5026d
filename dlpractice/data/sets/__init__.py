"""The data sets known by name: fetched, checked against published checksums, or made here."""
