"""A long run of mixed traffic, and whether anything grows: memory, descriptors, threads, greenlets, connections."""
