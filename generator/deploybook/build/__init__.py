"""Composition: sync, link, count, render, MkDocs, published whole."""
