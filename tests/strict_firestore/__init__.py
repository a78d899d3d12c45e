"""A Firestore for tests that is as strict as Google's: a gRPC proxy before the emulator.

It refuses what Firestore refuses and the emulator takes (document sizes, index entries, missing
indexes, …), and on request it answers as Firestore does on a bad day: contention, lost answers,
latency. REST calls (clearing a project, registering triggers) go to the emulator itself.

    python -m tests.strict_firestore --emulator 127.0.0.1:8080 --port 8081
"""
