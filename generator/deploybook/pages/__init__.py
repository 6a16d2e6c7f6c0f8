"""Frozen view-models, one module a page family: what each page says, without markup."""
