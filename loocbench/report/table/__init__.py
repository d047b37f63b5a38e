"""The comparison table, independent of its format: rows, lines, columns, ranks, paired tests."""
