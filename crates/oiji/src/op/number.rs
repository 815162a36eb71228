//! Numbers as pickles write them: decimal text, two's complement of any length, floats.
