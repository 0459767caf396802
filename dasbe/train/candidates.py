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
    "mnist_shape": [
        {},
        {"learning_rate": 2e-2},
        {"learning_rate": 3e-3, "epochs": 50},
        {"learning_rate": 1e-3, "epochs": 80, "corruption": (0.7, 0.9)},
        {"epochs": 60},
        {"latent": 500},
        {"learning_rate": 3e-3, "epochs": 50, "corruption": (0.4, 0.8), "occlusion": 0.5},
        {"learning_rate": 3e-3, "epochs": 50, "latent": 500, "ink_weight": 2.5},
        {"learning_rate": 1e-3, "epochs": 50, "latent": 500, "hidden": (500,), "occlusion": 0.5},
    ],
}
