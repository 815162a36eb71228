//! Text as pickles write it: UTF-8 with surrogates, raw-unicode-escape, quoted Python 2 strings.
