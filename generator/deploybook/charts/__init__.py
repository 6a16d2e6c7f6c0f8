"""Charts: rows in, inline SVG with its table out; readable with scripts off, one picture for both schemes."""
