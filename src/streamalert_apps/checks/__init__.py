"""What can be checked before an hour is lost: a module for each check, which yields findings.

A check changes nothing. `doctor` runs all of them, other commands those that concern them.
"""
