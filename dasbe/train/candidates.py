"""What was tried for each network: changes to its recipe, for ``python -m dasbe.train.select``."""

CANDIDATES: dict[str, list[dict]] = {
    "bars": [
        {},
        {"corruption": (0.5, 0.7)},
        {"latent": 100},
    ],
    "corners": [
        {},
        {"ink_weight": 1.0},
        {"ink_weight": 5.0},
        {"ink_weight": 2.5, "corruption": (0.5, 0.7)},
        {"ink_weight": 1.0, "corruption": (0.4, 0.6)},
        {"ink_weight": 1.0, "corruption": (0.5, 0.7)},
        {"ink_weight": 0.3, "corruption": (0.5, 0.7)},
        {"ink_weight": 1.0, "corruption": (0.5, 0.7), "latent": 512},
        {"ink_weight": 1.0, "corruption": (0.4, 0.6), "occlusion": 0.5},
    ],
    "shapes": [
        {},
        {"occlusion": 0.0, "corruption": (0.4, 0.6)},
        {"occlusion": 1.0, "corruption": (0.2, 0.5)},
        {"corruption": (0.4, 0.6)},
        {"ink_weight": 2.5},
        {"latent": 800, "occlusion": 0.0, "corruption": (0.4, 0.6)},
    ],
}
