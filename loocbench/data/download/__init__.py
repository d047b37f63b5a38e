"""Getting official archives: fetching with resume and checksum, and unpacking that trusts no archive."""
