"""A Firestore in memory, for orgs that are too large for Google's emulator.

That takes some 25 KiB for a document; here it is as many bytes as its encoding has, and a little.
It has what the sync and spending call: commits with preconditions, look-ups, queries, counts and
sums. It refuses nothing that Firestore would: the strict Firestore stands before it.

    python -m tests.strict_firestore --memory
"""
