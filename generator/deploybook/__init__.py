"""Deploybook: the book of your deploys, a static site from git, CI and incident history."""

__version__ = "0.1.0"
