"""Collect the audit logs of SaaS products, and lose none of them."""

__version__ = "0.1.0.dev0"
