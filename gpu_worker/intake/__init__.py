"""Where messages come from; each intake hands them to one `GenerationRunner`."""
