"""Files that people send in (security.md F1 to F4): judged, kept encrypted, looked through for viruses.

`judging` decides what is taken at all; `store` keeps bytes; `clamd` speaks with a virus scanner; `keeping` holds the
verbs that change a `StoredFile`. To what a file belongs is said by the app that has the thing (`keeping.attached_by`).
"""
