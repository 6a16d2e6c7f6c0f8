"""Joining: which change is in which deployment; which deployment failed, and why we say so."""

from __future__ import annotations

from deploybook.linking.link import Linked, link

__all__ = ["Linked", "link"]
