"""App types that are not built in: files of a project's apps/ folder, and what distributions bring along.

None of this ships to Lambda: there a plugin's file is a service's file like any other.
"""
