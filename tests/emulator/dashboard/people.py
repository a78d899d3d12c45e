"""The customers of a full shop."""

PEOPLE = {
    "1": ("Ada", "Lovelace", "ada@example.com", "(518) 555-0123"),
    "2": ("Ada", "Zimmer", "zimmer@example.com", None),
    "3": ("Noor", "Adams", "noor@example.com", None),
    "10": ("Lee", "Lee", "no-email@alleaves.local", "212-555-0100"),
    "11": ("", "", "no-email@alleaves.local", None),
}

EVERYBODY = (*PEOPLE, *map(str, range(100, 112)))
"""Those with names, and twelve that are distinguished by their figures alone."""
