// Colours, which the page of a run and the page of the live loop have in common.
const SILHOUETTE = [58, 58, 58], PLATE = "#0d0d10", PALE = "#c8c8d0", FONT = "11px system-ui, sans-serif";

/** sRGB of a hue, in turns, at one lightness and chroma (OKLCH), so that no phase is brighter than another. */
function ofHue(turn, chroma = 0.14) {
  const a = chroma * Math.cos(2 * Math.PI * turn), b = chroma * Math.sin(2 * Math.PI * turn), light = 0.76;
  const l = (light + 0.3963 * a + 0.2158 * b) ** 3;
  const m = (light - 0.1056 * a - 0.0639 * b) ** 3;
  const s = (light - 0.0895 * a - 1.2915 * b) ** 3;
  const linear = [4.0767 * l - 3.3077 * m + 0.231 * s, -1.2684 * l + 2.6098 * m - 0.3413 * s,
    -0.0042 * l - 0.7034 * m + 1.7076 * s];
  return linear.map((x) => 255 * Math.min(1, Math.max(0, x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055)));
}

/** The colours called `names`, as sRGB. */
function paletteOf(names) {
  const pen = document.createElement("canvas").getContext("2d");
  return names.map((name) => {
    pen.fillStyle = name; // reads back as #rrggbb
    return [1, 3, 5].map((i) => parseInt(pen.fillStyle.slice(i, i + 2), 16));
  });
}

/** Colour of group k, the same as in the figures: beyond the palette its colours again, lighter and darker in turn. */
function ofGroup(k) {
  if (!k) return [150, 150, 150];
  const turn = Math.floor((k - 1) / palette.length), strength = 0.6 ** Math.floor((turn + 1) / 2);
  return palette[(k - 1) % palette.length].map((x) => strength * x + (1 - strength) * 255 * (turn % 2));
}

function css(colour, strength = 1, under = SILHOUETTE) {
  return `rgb(${colour.map((x, i) => Math.round(strength * x + (1 - strength) * under[i])).join(" ")})`;
}
