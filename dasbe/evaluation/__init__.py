"""Systems on many images: grouping, scores, and tables of them."""

from dasbe.support.lazy import import_lazily

import_lazily(__name__)
