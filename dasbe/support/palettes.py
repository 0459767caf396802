"""The palettes of ``--palette``: names of colours alone, which commands know before Matplotlib is imported."""

# the published colours of objects 1 to 3; further ones for pictures with more objects
PUBLISHED: tuple[str, ...] = ("gold", "royalblue", "limegreen", "orangered", "mediumpurple", "deepskyblue", "hotpink")
PUBLISHED += ("sienna", "teal", "olive", "salmon", "slategray")
# Okabe and Ito 2008: eight colours that readers with colour-vision deficiency tell apart
COLOUR_BLIND_SAFE: tuple[str, ...] = ("#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#F0E442")
COLOUR_BLIND_SAFE += ("#999999",)
# of the dark colours of Tol 2021 (SRON/EPS/TN/09-002) those that they tell best from the eight and from each other
COLOUR_BLIND_SAFE += ("#222255", "#225555", "#666633", "#663333")
PALETTES = {"published": PUBLISHED, "colour-blind-safe": COLOUR_BLIND_SAFE}
