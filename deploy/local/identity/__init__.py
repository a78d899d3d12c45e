"""The local cloud's identity service: the part of the Firebase Auth emulator's REST that
firebase-admin and the console use."""
