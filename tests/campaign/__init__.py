"""The fault campaign: one org or two, a few ticks of the schedule, and all that can go wrong.

A seed draws an org, at the simulated Alleaves, at the simulated X-Series with an eCom shop, or with
a location at each. It draws what the org's people do at the POS, how the POS fails, how Firestore
fails (commits that contend for a document, outages, lost answers), how messages arrive (twice,
late, out of order, at once with their twins), when a worker is killed or stopped, and when somebody
imports the export of the eCom shop. Workers are processes that run the functions themselves,
against Google's emulators, with the strict Firestore before theirs: what it refuses fails the seed.
It also draws what is hostile: records that no POS should send, answers that are meant to bring down
their reader, messages that nobody should publish. Then nothing fails any more, and what is stored
must be what an undisturbed sync of the same POS stores, and what its own data says.

Every draw follows from the seed. What two processes do at once does not: a seed that failed is
replayed with the same draws, which nearly always, but not always, meet in the same way.
"""
