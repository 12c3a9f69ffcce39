"""The tamper-evident log of what passed: appended, read, searched, archived, cosigned, and verified by anybody."""
