"""The commands: everything the screens do, for scripts and for people who know what they want."""
