"""Composition: sync, link, count, render, MkDocs, published whole."""

from __future__ import annotations

from deploybook import lean

lean.without_pandas()
