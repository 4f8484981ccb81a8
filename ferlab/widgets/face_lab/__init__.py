"""A face to move, and its point in several spaces."""
