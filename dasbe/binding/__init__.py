"""The binding loop: from images to spikes, and from spikes to groups."""

from dasbe.support.lazy import import_lazily

import_lazily(__name__)
