"""SHA-256 of every array of every dataset at its default size (uint8, C order), and its shape."""

CHECKSUMS: dict[str, dict[str, tuple[tuple[int, ...], str]]] = {
    "bars": {
        "test/default": ((10000, 20, 20), "41ab8aa0022c1b67027d5fd5efa5f6489bc8d4f5138f79f5cfe1d73c0bb2e76c"),
        "test/groups": ((10000, 20, 20), "5ac4595a3fc55737f5e294492baa3ff61fd39d85fb3dd84cd0baad4815b51c22"),
        "train_multi/default": ((60000, 20, 20), "258bee7bc287ad1f457236c6a9ec77b2a4202b164286f3fb060ae58fb9ee9982"),
        "train_multi/groups": ((60000, 20, 20), "0f3566b0dbc744c522c3a1ffcbc65f11abf16474e7351831314f9452e08571f2"),
        "train_single/default": ((200, 20, 20), "0ea8edc9e9eab2338afb842bda9bbb4ecf6914c182d2b9d745307fdb5c38d599"),
        "train_single/groups": ((200, 20, 20), "0ea8edc9e9eab2338afb842bda9bbb4ecf6914c182d2b9d745307fdb5c38d599"),
        "train_single_hori/default": (
            (100, 20, 20),
            "fe67edfdf08e8dc14f57f40d4288e279ce643b70f1ba1600bd7b2b079edabc15",
        ),
        "train_single_hori/groups": ((100, 20, 20), "fe67edfdf08e8dc14f57f40d4288e279ce643b70f1ba1600bd7b2b079edabc15"),
        "train_single_vert/default": (
            (100, 20, 20),
            "428c3d78885aca1500ae6f36644e444eddaac2ae652e2ebe5c90aa59f2e006d7",
        ),
        "train_single_vert/groups": ((100, 20, 20), "428c3d78885aca1500ae6f36644e444eddaac2ae652e2ebe5c90aa59f2e006d7"),
    },
    "corners": {
        "test/default": ((10000, 28, 28), "a48ed1cc6eaf85e746a6a8a12aa5f7bffecae81dbf8cb9f8288a9070ca9277d5"),
        "test/groups": ((10000, 28, 28), "b920cb62da4a6fe5c58cb49eabaf991b63e2fc1a52a7110019b2046a1516a314"),
        "train_multi/default": ((60000, 28, 28), "500d7cf5d3efb3f0a81e80adb649bc7fa6ca67ef30a2899b5c515ab7a9095616"),
        "train_multi/groups": ((60000, 28, 28), "867f633a62a3a1e9fbc6d15ec38d1e8594b0aafc4cfff84c47a4d58fa146a5cb"),
        "train_single/default": ((15000, 28, 28), "62f5a149a119e04dd7081f94f660ec86bde70ed7242afe3882567083cb0f0778"),
        "train_single/groups": ((15000, 28, 28), "62f5a149a119e04dd7081f94f660ec86bde70ed7242afe3882567083cb0f0778"),
    },
    "shapes": {
        "test/default": ((10000, 28, 28), "6fbeb644efb3482ba8ed4c58a7d9e88f6380819620b268292ce66b75eedaeb32"),
        "test/groups": ((10000, 28, 28), "2b1e5422c8d85db8a3541e0aeaaba5f56ca3c66b0d20b0d139beadf28f234f2e"),
        "train_multi/default": ((60000, 28, 28), "6f1340ca5c08958dcbce51a6158ad57f89991b824f7daca5a674989f5003bb6a"),
        "train_multi/groups": ((60000, 28, 28), "b3602ebf90824f359cd6e5ba1cc5758667d708a1e23916ab2979b29d1e5108c1"),
        "train_single/default": ((20000, 28, 28), "dedafbfc65238ec783e6da6f13cc28ff68d69b9666ef4f8bf9132901261a0026"),
        "train_single/groups": ((20000, 28, 28), "dedafbfc65238ec783e6da6f13cc28ff68d69b9666ef4f8bf9132901261a0026"),
        "train_single_0/default": ((20000, 28, 28), "3e6ab22036107d9c0a1f27765dfeccc3e0452492e5edb581b4d150c4517b7d8c"),
        "train_single_0/groups": ((20000, 28, 28), "3e6ab22036107d9c0a1f27765dfeccc3e0452492e5edb581b4d150c4517b7d8c"),
        "train_single_1/default": ((20000, 28, 28), "83ec45eddb1c58ed58b6c1abf20376d1d98cd323a8c619352fb00fde7c1416c5"),
        "train_single_1/groups": ((20000, 28, 28), "83ec45eddb1c58ed58b6c1abf20376d1d98cd323a8c619352fb00fde7c1416c5"),
        "train_single_2/default": ((20000, 28, 28), "febca97c4849fdba625d15ef573a857e048a5904b0c94df201d59b4f26188ffe"),
        "train_single_2/groups": ((20000, 28, 28), "febca97c4849fdba625d15ef573a857e048a5904b0c94df201d59b4f26188ffe"),
    },
    "mnist_shape": {
        "test/default": ((10000, 28, 28), "f4b40ca9ea572ac6d7e91ddc7dd6123e5b37769ae00152867262a312e953056c"),
        "test/groups": ((10000, 28, 28), "acbae2a6159ffdd1c7b03a3fbacd870ea7d6dfd2b568d9d45c4f1bad6711aa7d"),
        "train_multi/default": ((60000, 28, 28), "f06054f014cb83caa9a19fa810fa8ec768b911e890ed8192737a33ddcd9bcd38"),
        "train_multi/groups": ((60000, 28, 28), "f867cac27066979425bcd3afaa6ec21dac43c939f6160f22508673b5d97b53f7"),
        "train_single/default": ((20000, 28, 28), "d6e5d2bbfee48d5ebf847e97f8dc370bb47b417505750f910a62ff05d697fe69"),
        "train_single/groups": ((20000, 28, 28), "d01ff16c109df15ba07b8bfd4dd957dcc29cee273140489503517d784b584015"),
    },
    "shapes_with_pos": {
        "train_single_0/default": ((60000, 28, 28), "9984f66dc79f00abf19bf8cc8ff764ab5fec1d80b7b585c64f7ef1ada070ecc7"),
        "train_single_0/groups": ((60000, 28, 28), "9984f66dc79f00abf19bf8cc8ff764ab5fec1d80b7b585c64f7ef1ada070ecc7"),
        "train_single_0/pos": ((60000, 2), "8fda05469c5c24f2e4de31a3af838eadfdc2ca6cf7a3677a2963b90ab51613e7"),
        "train_single_1/default": ((60000, 28, 28), "ebe6242fade6a2c05c98744107bb818f3f65a93508d133b5b894fd77bd6d663b"),
        "train_single_1/groups": ((60000, 28, 28), "ebe6242fade6a2c05c98744107bb818f3f65a93508d133b5b894fd77bd6d663b"),
        "train_single_1/pos": ((60000, 2), "d7726bfc77d039880bdda807149f90410186cf3ad670a404bf14993fd87a89e3"),
        "train_single_2/default": ((60000, 28, 28), "7fe195768922d838be26bca88e80a2cf5c53e76cbb8662494d51c5591697ccc8"),
        "train_single_2/groups": ((60000, 28, 28), "7fe195768922d838be26bca88e80a2cf5c53e76cbb8662494d51c5591697ccc8"),
        "train_single_2/pos": ((60000, 2), "542827d792e23a0b72fe29d116b650bf8d11ab976e46e92adc9af1e1b6ef74be"),
    },
    "moving_shapes": {
        "test/default": ((60, 1000, 28, 28), "65147fbc40fca115b38eb0b90b199d5b412df90eb20efc88356af76d44601b14"),
        "test/groups": ((60, 1000, 28, 28), "774f4a1c9c1b05c4a3a037dc9435d21e70baf83ab47b6c4f75bf217d5be90420"),
        "train_multi/default": ((60, 1000, 28, 28), "5950b618e3169ffa849ca8876912b120ebfb20bc986ff3f63733531d2f77b7f8"),
        "train_multi/groups": ((60, 1000, 28, 28), "c5babd76060613d943a6eb6498a65547fa6d40f44fb4483683db210cf4c5d125"),
        "train_single/default": (
            (60, 1000, 28, 28),
            "b60a5233a7171d7144ac803010aba929ef9fcf430c9d08a893cea1b470e4a94a",
        ),
        "train_single/groups": ((60, 1000, 28, 28), "b60a5233a7171d7144ac803010aba929ef9fcf430c9d08a893cea1b470e4a94a"),
        "train_single_0/default": (
            (60, 1000, 28, 28),
            "261d70cebf49cfdd5e49f72836142c75b895f8d4a38371baf2bd4ae64d656151",
        ),
        "train_single_0/groups": (
            (60, 1000, 28, 28),
            "261d70cebf49cfdd5e49f72836142c75b895f8d4a38371baf2bd4ae64d656151",
        ),
        "train_single_1/default": (
            (60, 1000, 28, 28),
            "09fbcb6f7f6f8bead425145181113461eb20b96c2afd143b92d881edcfde7c81",
        ),
        "train_single_1/groups": (
            (60, 1000, 28, 28),
            "09fbcb6f7f6f8bead425145181113461eb20b96c2afd143b92d881edcfde7c81",
        ),
        "train_single_2/default": (
            (60, 1000, 28, 28),
            "bbe45bdc72a4b809d897af6b53954563e95729fa822f48aefe51c7bd356b834c",
        ),
        "train_single_2/groups": (
            (60, 1000, 28, 28),
            "bbe45bdc72a4b809d897af6b53954563e95729fa822f48aefe51c7bd356b834c",
        ),
    },
    "moving_shapes_3": {
        "test/default": ((60, 200, 28, 28), "05fe5a0212e86886ccb9ea48ca113196a121287c0c837e7e7f5969c2e46ff73a"),
        "test/groups": ((60, 200, 28, 28), "7820a7e16bcb5dc144a55afb4b69e1e542cea49c807d82188483428ce02671d3"),
        "train_multi/default": ((600, 200, 28, 28), "4d8d0057f0526c68d580876eab206acc66cf4e3035b560e7bd51b9bfabf73393"),
        "train_multi/groups": ((600, 200, 28, 28), "ea2e1d696c809dddf930db46c88c66bab04d63348ee316eeb7eb9845243d5d3b"),
        "train_single/default": ((60, 200, 28, 28), "43dd8ecba5a32d50c33c4b6d32a4858671d1acd1e4eb1dd30e087abeac8a0062"),
        "train_single/groups": ((60, 200, 28, 28), "43dd8ecba5a32d50c33c4b6d32a4858671d1acd1e4eb1dd30e087abeac8a0062"),
        "train_single_0/default": (
            (60, 200, 28, 28),
            "5d6ede44b21df2f694a85b3d0f6cc4b6b1004ba49bc4695f658687641a09de99",
        ),
        "train_single_0/groups": (
            (60, 200, 28, 28),
            "5d6ede44b21df2f694a85b3d0f6cc4b6b1004ba49bc4695f658687641a09de99",
        ),
        "train_single_1/default": (
            (60, 200, 28, 28),
            "fe793a24ad9741bdcd2a443783536cdf726a1340fc7209ad545107558df9f609",
        ),
        "train_single_1/groups": (
            (60, 200, 28, 28),
            "fe793a24ad9741bdcd2a443783536cdf726a1340fc7209ad545107558df9f609",
        ),
        "train_single_2/default": (
            (60, 200, 28, 28),
            "8f92be1ad964c763cf5681c4836059339ae6ac7a4903c3c548ef1140af2fb778",
        ),
        "train_single_2/groups": (
            (60, 200, 28, 28),
            "8f92be1ad964c763cf5681c4836059339ae6ac7a4903c3c548ef1140af2fb778",
        ),
    },
    "multi_mnist": {
        "test/default": ((10000, 48, 48), "20d0ff5825703c294d77f045afc1233c038d0b658f1a02b5f035a39397b2db4c"),
        "test/groups": ((10000, 48, 48), "02d9f7ba8c4dca8cd51b0a92c1e93a6476947bd67147e99059497eb750b28370"),
        "train_multi/default": ((60000, 48, 48), "acb90609d620abfcf924fbd3b9954dc150d956dbc19d4d53f69f53ad15b3b2ae"),
        "train_multi/groups": ((60000, 48, 48), "52208fcddb88eb7f0731d7855b0357995a0b1dc69a170f788c4f7bb6f453c688"),
        "train_single/default": ((300000, 48, 48), "a31a804cfb23949023da2bb9e6c9a4e01cbba7faf0ce4eff3e3f8331acfb3753"),
        "train_single/groups": ((300000, 48, 48), "a31a804cfb23949023da2bb9e6c9a4e01cbba7faf0ce4eff3e3f8331acfb3753"),
    },
    "moving_shapes_train": {  # our own, not published
        "train_single/default": (
            (1000, 300, 28, 28),
            "255cc21f27f10f8ba38c0fd6e3dc5f5aad2a77bd314358c2d9e8496ff1b311ab",
        ),
        "train_single/groups": (
            (1000, 300, 28, 28),
            "255cc21f27f10f8ba38c0fd6e3dc5f5aad2a77bd314358c2d9e8496ff1b311ab",
        ),
    },
}
