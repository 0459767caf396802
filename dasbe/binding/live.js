/*
 * The loop, step by step, as dasbe/definition.py has it, for a page that lets it run live.
 *
 * Read this first. It touches no page, so that Node, a worker and a browser run the same
 * text. Symbols and their order are those of definition.py and of the paper (Zheng, Lin,
 * Zhao, Shi 2022). Numbers are doubles; from the same weights and the same random numbers
 * the spikes are those of definition.py in float64, as tests/test_live.py shows.
 *
 *   Loop              DASBE: the binding loop (section 3, Algorithm 1)
 *   CompetingPhases   phases that compete for the ink and fall silent; not in the paper
 *   FreshNoise        the random numbers of either
 *   Network           encoder and decoder, of weights that are bytes with a scale for each row
 *   group, ami        from spikes to groups, and their score (section 4)
 *   Training          a small denoising autoencoder for objects that somebody has drawn (section 3.2)
 */
"use strict";

const V = 1 + 1e-5; // threshold; above 1, so that noise alone never makes a pixel fire

/** Numbers of the pixels with ink. */
function inkOf(image) {
  const ink = [];
  for (let p = 0; p < image.length; p++) if (image[p]) ink.push(p);
  return ink;
}

/** The first of the largest of `values`. */
function argmax(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/**
 * DASBE on one image, a step at a time (section 3, Algorithm 1).
 *
 * `image` has P numbers, 0 or 1, and may change between steps (`setImage`); so may `network`,
 * `refractory` (r) and `modulate`, a function from y to c; in the paper, c = y. `delay` is d.
 */
class Loop {
  constructor(image, network, delay, refractory, noise, modulate = (y) => y) {
    Object.assign(this, { network, delay, refractory, noise, modulate });
    this.x = Uint8Array.from(image);
    this.ink = inkOf(this.x); // elsewhere x = 0, and no pixel fires
    this.c = noise.initial(); // feedback that acts in this cycle, d arrays of P
    this.y = []; // and in the next one
    this.f = new Int32Array(this.x.length); // silent steps left, of each pixel
    this.fLatent = []; // and of each latent neuron
    this.s = new Uint8Array(this.x.length);
    this.s1 = new Uint8Array(this.x.length); // what is still seen of the last spikes
    this.s2 = new Uint8Array(this.x.length);
    this.a = new Uint8Array(this.x.length);
    this.cycle = this.t = 0; // of the next step
  }

  /** One step; afterwards `s` are its spikes, `a` what the network sees, and `h` its latent code. */
  step() {
    const { network, noise, f, s, s1, s2, a, t } = this;
    const { u, b, bPrime } = noise.pixels();
    for (const p of this.ink) {
      const m = this.c[t][p] + u[p]; // membrane, x·c + u (section 3.1)
      f[p] -= 1;
      s[p] = m > V && f[p] < 0 ? 1 : 0; // spikes
      if (s[p]) f[p] = this.refractory;
      a[p] = s[p] | s1[p] | s2[p]; // coincidence detector: a spike is seen for one, two or three steps
      s2[p] = s1[p] & b[p];
      s1[p] = s[p] & bPrime[p];
    }
    let h = network.encode(a); // latent code (section 3.2)
    if (network.spiking) {
      const uLatent = noise.latent(h.length);
      h = h.map((z, i) => {
        this.fLatent[i] = (this.fLatent[i] ?? 0) - 1;
        const fires = z + uLatent[i] > 1 && this.fLatent[i] < 0;
        if (fires) this.fLatent[i] = this.refractory;
        return fires ? 1 : 0;
      });
    }
    this.h = h;
    this.y[t] = network.decode(h, this.ink); // attention, back one cycle later in the same step
    if (++this.t === this.delay) {
      this.c = this.modulate(this.y);
      this.y = [];
      this.t = 0;
      this.cycle += 1;
    }
  }

  /** Another image from the next step on; a pixel that gets ink begins as all of them did, with noise. */
  setImage(image) {
    const fresh = this.noise.initial();
    for (const [p, x] of image.entries()) {
      if (!x === !this.x[p]) continue;
      this.f[p] = this.s[p] = this.s1[p] = this.s2[p] = this.a[p] = 0;
      if (x) for (let t = 0; t < this.delay; t++) (t < this.t ? this.y : this.c)[t][p] = fresh[t][p];
    }
    this.x = Uint8Array.from(image);
    this.ink = inkOf(this.x);
  }
}

/** The spikes of all pixels in all steps of `cycles` cycles, an array of P for each step. */
function bind(image, network, delay, refractory, cycles, noise, modulate) {
  const loop = new Loop(image, network, delay, refractory, noise, modulate), spikes = [];
  for (let step = 0; step < cycles * delay; step++) {
    loop.step();
    spikes.push(loop.s.slice());
  }
  return spikes;
}

/**
 * Competing phases on one image, a step at a time: more phases than objects compete for the ink,
 * and fall silent one by one. Not in the paper.
 *
 * `nPhases` K₀ at first, `stepsPerPhase` m steps each; `nObjects`, at which none falls silent any
 * more, or 0: the worth of the groupings decides. A pixel is shown with probability `sampling` q;
 * `sharpness` is β. The network's `shift` is what training added to the drive of every output.
 */
class CompetingPhases {
  constructor(image, network, noise, nPhases, { nObjects = 0, stepsPerPhase = 2, cycles = 40,
    cyclesAfterPruning = 20, sampling = 0.5, sharpness = 2 } = {}) {
    Object.assign(this, { network, noise, nPhases, nObjects, sampling, sharpness, cyclesAfterPruning });
    this.m = stepsPerPhase;
    this.x = Uint8Array.from(image);
    this.ink = inkOf(this.x);
    this.y = noise.initial(); // feedback, K₀ arrays of P
    this.phases = [...this.y.keys()]; // those that are not silent
    this.fewest = Math.min(nObjects || 1, nPhases);
    this.groupings = [];
    this.cyclesLeft = cycles; // before a phase falls silent
    this.s = this.a = new Uint8Array(this.x.length);
    this.cycle = this.t = 0; // of the next step; a cycle has m steps of each phase that is left
    this.silenced = null; // the phase that fell silent last
    this.labels = null; // group of each pixel from 1, once all is over
  }

  get delay() {
    return this.phases.length * this.m;
  }

  /** The phase of the next step. */
  get phase() {
    return this.phases[Math.floor(this.t / this.m)];
  }

  /** One step; afterwards `s` are its spikes, which the network sees. */
  step() {
    if (this.labels) return;
    if (this.t === 0) this.beginCycle();
    const k = this.phase, firesIn = this.firesIn[this.t % this.m];
    this.s = this.a = Uint8Array.from(this.x, (x, p) => (x && firesIn[p] === k ? 1 : 0)); // spikes
    let h = this.network.encode(this.a);
    if (this.network.spiking) {
      const u = this.noise.latent(h.length);
      h = h.map((z, i) => (z + u[i] > 1 ? 1 : 0));
    }
    this.h = h;
    const y = this.network.decode(h, this.ink);
    for (const p of this.ink) this.returned[k][p] += y[p] / this.m; // feedback, back one cycle later
    if (++this.t === this.delay) this.endCycle();
  }

  /** The phases compete for each pixel: in which of them it fires, if at all, in the m steps of this cycle. */
  beginCycle() {
    const { y, x, sharpness: beta, sampling: q } = this;
    const ends = y.map(() => new Float64Array(x.length)); // phase k begins where the one before it ends
    for (const p of this.ink) {
      const powers = y.map((yK) => yK[p] ** beta), sum = Math.max(powers.reduce((a, b) => a + b), 1e-30);
      let end = 0;
      powers.forEach((power, k) => { ends[k][p] = q * (end += power / sum); }); // γ_k
    }
    this.firesIn = Array.from({ length: this.m }, () => {
      const { u } = this.noise.pixels();
      return Int32Array.from(x, (_, p) => ends.filter((end) => u[p] >= end[p]).length); // k with probability q·γ_k
    });
    this.returned = y.map(() => new Float64Array(x.length));
  }

  endCycle() {
    this.y = this.returned;
    this.t = 0;
    this.cycle += 1;
    if (--this.cyclesLeft) return;
    const group = this.groups(), nLeft = this.phases.length, samples = [];
    const ofPhase = this.phases.map((k) => Uint8Array.from(this.x, (x, p) => (x && group[p] === k ? 1 : 0)));
    const whole = ofPhase.map((shown) => this.noInk(shown));
    if (!this.nObjects) { // what this grouping is worth: ℓ, half of it for samples of the groups
      for (let i = 0; i < 4; i++) {
        const { u } = this.noise.pixels();
        samples.push(this.likelihood(ofPhase.map((of) => this.noInk(of.map((x, p) => x * (u[p] < this.sampling))))));
      }
      const worth = (this.likelihood(whole) + samples.reduce((a, b) => a + b) / 4) / 2;
      this.groupings.push({ worth, n: new Set(this.ink.map((p) => group[p])).size, group });
    }
    if (nLeft === this.fewest) return this.end(group);
    // the phase without which ℓ is largest falls silent, but first those without any pixel
    const without = this.phases.map((k, i) => (this.ink.some((p) => group[p] === k)
      ? this.likelihood(whole.filter((_, j) => j !== i)) : Infinity));
    [this.silenced] = this.phases.splice(argmax(without), 1);
    this.y[this.silenced].fill(0);
    this.cyclesLeft = this.cyclesAfterPruning;
  }

  /** Phase of the largest feedback of each pixel. */
  groups() {
    return Int32Array.from(this.x, (_, p) => argmax(this.y.map((yK) => yK[p])));
  }

  end(group) {
    if (!this.nObjects) {
      const best = Math.max(...this.groupings.map((of) => of.worth));
      const value = (of) => of.worth - 0.08 * of.n * Math.abs(best);
      ({ group } = this.groupings.reduce((a, b) => (value(b) > value(a) ? b : a)));
    }
    this.chosen = group;
    const number = new Map();
    for (const p of this.ink) if (!number.has(group[p])) number.set(group[p], number.size + 1);
    this.labels = Int32Array.from(this.x, (x, p) => (x ? number.get(group[p]) : 0));
  }

  /** Log-probability of no ink in each pixel, from a group that the network sees. */
  noInk(shown) {
    const { network } = this, z = network.encode(shown);
    const y = network.decode(network.spiking ? z.map((v) => Math.min(Math.max(v, 0), 1)) : z);
    const odds = Math.exp(network.shift);
    return y.map((v) => Math.log(1 - Math.min(Math.max(1 / (1 + (odds * (1 - v)) / v), 1e-6), 1 - 1e-6)));
  }

  /** ℓ, of the image as the union of groups, in logarithms. */
  likelihood(ofGroups) {
    let sum = 0;
    for (let p = 0; p < this.x.length; p++) {
      const ofNone = ofGroups.reduce((total, of) => total + of[p], 0);
      sum += this.x[p] ? Math.log(1 - Math.exp(ofNone)) : ofNone;
    }
    return sum;
  }
}

/** Random words of 32 bits, from a seed (Doty-Humphrey's small fast counting generator). */
function randomOf(seed) {
  let a = 0, b = seed >>> 0, c = Math.floor(seed / 2 ** 32) >>> 0, counter = 1;
  const draw = () => {
    const drawn = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + drawn) | 0;
    return drawn >>> 0;
  };
  for (let i = 0; i < 16; i++) draw();
  return draw;
}

/** Random numbers in [0, 1), from a seed. */
function uniformOf(seed) {
  const draw = randomOf(seed);
  return () => draw() / 2 ** 32;
}

/**
 * Random numbers drawn where they are needed.
 *
 * In the paper `level`, by which u is multiplied, is 1, and `remembered`, the probability that the
 * coincidence detector keeps a spike for one more step, ½.
 */
class FreshNoise {
  constructor(delay, nPixels, seed, normalise = true) {
    Object.assign(this, { delay, nPixels, normalise, level: 1, remembered: 0.5 });
    this.random = randomOf(seed);
  }

  /** c of the first cycle, d arrays of P: |N(0, 1)|, for DASBE divided by its sum over the d steps. */
  initial() {
    const { delay, nPixels } = this, random = () => this.random() / 2 ** 32, c = [];
    for (let t = 0; t < delay; t++) {
      const normal = () => Math.abs(Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
      c.push(Float64Array.from({ length: nPixels }, normal));
    }
    if (this.normalise) {
      for (let p = 0; p < nPixels; p++) {
        const sum = c.reduce((total, cT) => total + cT[p], 0);
        for (const cT of c) cT[p] /= sum;
      }
    }
    return c;
  }

  /** u ~ U[0, 1), and the coins B and B′, P of each; drawn once a step. */
  pixels() {
    const { nPixels, random, level, remembered } = this;
    const u = new Float64Array(nPixels), b = new Uint8Array(nPixels), bPrime = new Uint8Array(nPixels);
    for (let p = 0; p < nPixels; p++) {
      const word = random(); // its upper 24 bits are u; of the others, four each decide B and B′
      u[p] = (level * (word >>> 8)) / 2 ** 24;
      b[p] = (word & 15) < 16 * remembered ? 1 : 0;
      bPrime[p] = ((word >>> 4) & 15) < 16 * remembered ? 1 : 0;
    }
    return { u, b, bPrime };
  }

  /** u of n latent neurons; drawn once a step. */
  latent(n) {
    return Float64Array.from({ length: n }, () => this.random() / 2 ** 32);
  }
}

// ---- the network ----

const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const floatsOf = (text) => new Float32Array(bytesOf(text).buffer);

/** A layer from its data: a byte for each weight (out, in), a float32 for the scale of each row and for each bias. */
function layerOf({ inputs, outputs, activation, bytes, scales, bias }) {
  const quantised = new Int8Array(bytesOf(bytes).buffer), scale = floatsOf(scales);
  const weights = Float32Array.from(quantised, (q, i) => q * scale[Math.floor(i / inputs)]);
  return { inputs, outputs, activation, weights, bias: floatsOf(bias) };
}

const ACTIVATIONS = {
  relu: (z) => Math.max(z, 0),
  tanh: Math.tanh,
  sigmoid: (z) => 1 / (1 + Math.exp(-z)),
  none: (z) => z,
};

/** f(W v + b) in those `rows` that are wanted, four at a time, which is twice as fast; 0 in the others. */
function applyLayer({ inputs, outputs, weights, bias, activation }, v, rows) {
  const result = new Float64Array(outputs), f = ACTIVATIONS[activation], n = rows ? rows.length : outputs;
  for (let i = 0; i < n; i += 4) {
    const [r0, r1, r2, r3] = [0, 1, 2, 3].map((next) => (rows ? rows[Math.min(i + next, n - 1)] : Math.min(i + next, n - 1)));
    const w0 = r0 * inputs, w1 = r1 * inputs, w2 = r2 * inputs, w3 = r3 * inputs;
    let z0 = bias[r0], z1 = bias[r1], z2 = bias[r2], z3 = bias[r3];
    for (let j = 0; j < inputs; j++) {
      z0 += weights[w0 + j] * v[j];
      z1 += weights[w1 + j] * v[j];
      z2 += weights[w2 + j] * v[j];
      z3 += weights[w3 + j] * v[j];
    }
    result[r0] = z0;
    result[r1] = z1;
    result[r2] = z2;
    result[r3] = z3;
  }
  if (!f) return softmax(result);
  if (!rows) return result.map(f);
  for (const row of rows) result[row] = f(result[row]);
  return result;
}

function softmax(z) {
  const largest = Math.max(...z), powers = z.map((v) => Math.exp(v - largest)), sum = powers.reduce((a, b) => a + b);
  return powers.map((v) => v / sum);
}

/** Encoder and decoder, of layers as :func:`layerOf` gives them. */
class Network {
  constructor({ encoder, decoder, spiking = false, shift = 0 }) {
    Object.assign(this, { encoder, decoder, spiking, shift });
    const { inputs, outputs, weights } = encoder[0];
    // the first layer's weights (in, out), since spikes are few, and a column of 0
    this.columns = new Float32Array(weights.length + outputs);
    for (let i = 0; i < outputs; i++) for (let j = 0; j < inputs; j++) this.columns[j * outputs + i] = weights[i * inputs + j];
  }

  /** The latent code, or its drive, of spikes `a`: sums of the columns of pixels that are seen. */
  encode(a) {
    const [{ outputs, bias, activation }, ...others] = this.encoder, z = Float64Array.from(bias), seen = inkOf(a);
    for (let i = 0; i < seen.length; i += 2) { // two columns at a time
      const p = seen[i] * outputs, q = i + 1 < seen.length ? seen[i + 1] * outputs : this.columns.length - outputs;
      for (let j = 0; j < outputs; j++) z[j] += this.columns[p + j] + this.columns[q + j];
    }
    const first = activation in ACTIVATIONS ? z.map(ACTIVATIONS[activation]) : softmax(z);
    return others.reduce((v, layer) => applyLayer(layer, v), first);
  }

  /** y in [0, 1] from a latent code; only of the pixels that are wanted, if they are given. */
  decode(h, pixels) {
    const last = this.decoder.length - 1;
    return this.decoder.reduce((v, layer, i) => applyLayer(layer, v, i === last ? pixels : undefined), h);
  }
}

/** In place of a network: what is seen comes back as it is, not restored. */
const ECHO = { encode: (a) => Float64Array.from(a), decode: (h) => h, spiking: false, shift: 0 };

// ---- from spikes to groups ----

/**
 * Groups of pixels by k-means of their smoothed spike trains (section 4).
 *
 * `times` are the steps of the spikes of each pixel, all below `steps`. The pixels that never fire, and `nSilent`
 * others, are one point, whose group is 0; so K = `nGroups` counts the background.
 */
function group(times, steps, nSilent, nGroups, random, restarts = 10) {
  const firing = [...times.keys()].filter((i) => times[i].length), n = firing.length + 1;
  const gram = new Float64Array(n * n), weight = new Float64Array(n).fill(1);
  weight[0] = nSilent + times.length - firing.length;
  firing.forEach((p, i) => {
    const smoothed = new Float64Array(steps + 1); // D[t] = s[t] + ½ s[t − 1]
    for (const t of times[p]) {
      smoothed[t] += 1;
      if (t + 1 < steps) smoothed[t + 1] += 0.5;
    }
    for (let j = i; j < firing.length; j++) {
      let product = 0;
      for (const t of times[firing[j]]) product += smoothed[t] + (t + 1 < steps ? 0.5 * smoothed[t + 1] : 0);
      gram[(i + 1) * n + j + 1] = gram[(j + 1) * n + i + 1] = product;
    }
  });
  let best = null;
  for (let i = 0; i < restarts; i++) {
    const run = kmeans(gram, weight, nGroups, random);
    if (!best || run.inertia < best.inertia - 1e-9) best = run;
  }
  const result = new Int32Array(times.length), number = new Map([[best.labels[0], 0]]);
  firing.forEach((p, i) => {
    const cluster = best.labels[i + 1];
    if (!number.has(cluster)) number.set(cluster, number.size);
    result[p] = number.get(cluster);
  });
  return result;
}

/** One run of k-means, of points known by their products: greedy k-means++ (as in scikit-learn), then Lloyd's steps. */
function kmeans(gram, weight, k, random) {
  const n = weight.length, labels = new Int32Array(n), closest = new Float64Array(n).fill(Infinity);
  const distance = (i, j) => Math.max(gram[i * n + i] + gram[j * n + j] - 2 * gram[i * n + j], 0);
  const sample = (mass) => {
    let left = random() * mass.reduce((a, b) => a + b, 0), i = 0;
    while (i < n - 1 && (left -= mass[i]) >= 0) i++;
    return i;
  };
  for (let c = 0; c < k; c++) {
    let centre = 0, least = Infinity;
    for (let trial = 0; trial < (c ? 2 + Math.floor(Math.log(k)) : 1); trial++) {
      const candidate = sample(c ? weight.map((w, i) => w * closest[i]) : weight);
      let potential = 0;
      for (let i = 0; i < n; i++) potential += weight[i] * Math.min(closest[i], distance(i, candidate));
      if (potential < least) [centre, least] = [candidate, potential];
    }
    for (let i = 0; i < n; i++) if (distance(i, centre) < closest[i]) [closest[i], labels[i]] = [distance(i, centre), c];
  }
  let inertia = Infinity;
  for (let round = 0; round < 300; round++) {
    const mass = new Float64Array(k), product = new Float64Array(k * n), square = new Float64Array(k); // x·c, c·c
    for (let i = 0; i < n; i++) {
      mass[labels[i]] += weight[i];
      for (let j = 0; j < n; j++) product[labels[i] * n + j] += weight[i] * gram[i * n + j];
    }
    for (let c = 0; c < k; c++) for (let j = 0; j < n && mass[c]; j++) product[c * n + j] /= mass[c];
    for (let i = 0; i < n; i++) square[labels[i]] += (weight[i] * product[labels[i] * n + i]) / mass[labels[i]];
    let energy = 0;
    const own = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let nearest = 0, least = Infinity;
      for (let c = 0; c < k; c++) {
        const score = mass[c] ? square[c] - 2 * product[c * n + i] : Infinity;
        if (score < least) [nearest, least] = [c, score];
      }
      labels[i] = nearest;
      own[i] = Math.max(least + gram[i * n + i], 0);
      energy += weight[i] * own[i];
    }
    for (let c = 0; c < k; c++) { // an empty cluster gets the point that is farthest from its own centre
      if (mass[c]) continue;
      const far = argmax(own);
      if (own[far] > 1e-6) [labels[far], own[far]] = [c, 0];
    }
    if (energy > inertia - 1e-9 * (1 + energy)) break;
    inertia = energy;
  }
  return { labels, inertia };
}

/** Adjusted mutual information of two partitions of the same things, in [−1, 1] (Vinh, Epps, Bailey 2010). */
function ami(truth, found) {
  const count = (values) => values.reduce((counts, v) => counts.set(v, (counts.get(v) ?? 0) + 1), new Map());
  const n = truth.length, pairs = Array.from(truth, (v, i) => `${v} ${found[i]}`);
  if (!n) return NaN;
  const rows = count(Array.from(truth)), columns = count(Array.from(found)), cells = count(pairs);
  if (rows.size === columns.size && (rows.size === 1 || rows.size === n)) return 1;
  const entropy = (counts) => [...counts.values()].reduce((sum, m) => sum - (m / n) * Math.log(m / n), 0);
  const logFactorial = [0];
  for (let i = 1; i <= n; i++) logFactorial.push(logFactorial[i - 1] + Math.log(i));
  const both = entropy(rows) + entropy(columns), information = both - entropy(cells);
  let expected = 0;
  for (const a of rows.values()) {
    for (const b of columns.values()) {
      const fixed = [a, b, n - a, n - b].reduce((sum, m) => sum + logFactorial[m], -logFactorial[n]);
      for (let m = Math.max(1, a + b - n); m <= Math.min(a, b); m++) {
        const others = [m, a - m, b - m, n - a - b + m].reduce((sum, v) => sum + logFactorial[v], 0);
        expected += (m / n) * Math.log((n * m) / (a * b)) * Math.exp(fixed - others);
      }
    }
  }
  const denominator = both / 2 - expected;
  return (information - expected) / (denominator || Number.EPSILON);
}

// ---- a network for objects that somebody has drawn ----

/**
 * Trains a denoising autoencoder, pixels – `nLatent` – pixels, on images of single objects at random places, of which
 * a part of the pixels is switched off (section 3.2): binary cross-entropy, Adam, `nBatches` batches of 32 images.
 *
 * `objects` are { height, width, pixels }: the numbers of their pixels with ink, along the rows.
 */
class Training {
  constructor(objects, height, width, seed, { nLatent = 128, nBatches = 3000, rate = 0.02, corruption = [0.2, 0.6] } = {}) {
    Object.assign(this, { objects, height, width, nLatent, nBatches, rate, corruption, done: 0, loss: NaN });
    this.random = uniformOf(seed);
    const n = height * width * nLatent;
    const weights = () => Float32Array.from({ length: n }, () => (this.random() - 0.5) * 0.16);
    // W1 by columns and W2 by rows: of either, a row for each pixel
    this.parameters = [weights(), weights(), new Float32Array(nLatent), new Float32Array(height * width).fill(-2)];
    const zeros = () => this.parameters.map((values) => new Float32Array(values.length));
    [this.gradients, this.means, this.squares] = [zeros(), zeros(), zeros()];
  }

  /** An image of one object anywhere it fits, and its pixels that are left on. */
  example() {
    const { random, objects, corruption: [least, most] } = this, { height, width } = this;
    const object = objects[Math.floor(random() * objects.length)];
    const y = Math.floor(random() * (height - object.height + 1)), x = Math.floor(random() * (width - object.width + 1));
    const pixels = object.pixels.map((p) => (y + Math.floor(p / object.width)) * width + x + (p % object.width));
    const off = least + (most - least) * random();
    return { pixels, seen: pixels.filter(() => random() >= off) };
  }

  /** One batch: forward, backward, and a step of Adam. */
  batch(size = 32) {
    const { nLatent: n, gradients, parameters: [w1, w2, b1, b2] } = this, nPixels = b2.length;
    const examples = Array.from({ length: size }, () => this.example());
    const h = new Float32Array(size * n), ofH = new Float32Array(size * n), x = new Uint8Array(size * nPixels);
    for (const values of gradients) values.fill(0);
    examples.forEach(({ pixels, seen }, i) => {
      for (const p of pixels) x[i * nPixels + p] = 1;
      for (let j = 0; j < n; j++) {
        let z = b1[j];
        for (const p of seen) z += w1[p * n + j];
        h[i * n + j] = 1 / (1 + Math.exp(-z));
      }
    });
    let loss = 0;
    for (let p = 0; p < nPixels; p++) {
      for (let i = 0; i < size; i++) {
        let z0 = b2[p], z1 = 0, z2 = 0, z3 = 0;
        const w = p * n, at = i * n;
        for (let j = 0; j < n; j += 4) { // nLatent is a multiple of 4
          z0 += w2[w + j] * h[at + j];
          z1 += w2[w + j + 1] * h[at + j + 1];
          z2 += w2[w + j + 2] * h[at + j + 2];
          z3 += w2[w + j + 3] * h[at + j + 3];
        }
        const target = x[i * nPixels + p], y = 1 / (1 + Math.exp(-(z0 + z1 + z2 + z3))), error = y - target;
        if (Math.abs(error) < 0.002) continue; // as most pixels are soon; they would change nothing
        loss -= Math.log(Math.max(target ? y : 1 - y, 1e-9));
        gradients[3][p] += error;
        for (let j = 0; j < n; j++) {
          gradients[1][w + j] += error * h[at + j];
          ofH[at + j] += error * w2[w + j];
        }
      }
    }
    examples.forEach(({ seen }, i) => {
      for (let j = 0; j < n; j++) {
        const code = h[i * n + j], ofZ = ofH[i * n + j] * code * (1 - code);
        gradients[2][j] += ofZ;
        ofH[i * n + j] = ofZ;
      }
      for (const p of seen) for (let j = 0; j < n; j++) gradients[0][p * n + j] += ofH[i * n + j];
    });
    this.adam(size);
    this.done += 1;
    this.loss = Number.isNaN(this.loss) ? loss / size : 0.98 * this.loss + (0.02 * loss) / size;
  }

  /** Adam (Kingma, Ba 2015); the rate falls along half a cosine. */
  adam(size) {
    const step = this.done + 1, rate = this.rate * 0.5 * (1 + Math.cos((Math.PI * this.done) / this.nBatches));
    const first = 1 - 0.9 ** step, second = 1 - 0.999 ** step;
    this.parameters.forEach((values, k) => {
      const gradient = this.gradients[k], mean = this.means[k], square = this.squares[k];
      for (let i = 0; i < values.length; i++) {
        const g = gradient[i] / size;
        mean[i] += 0.1 * (g - mean[i]);
        square[i] += 0.001 * (g * g - square[i]);
        values[i] -= (rate * mean[i]) / first / (Math.sqrt(square[i] / second) + 1e-8);
      }
    });
  }

  /** Encoder and decoder, as Network takes them. */
  layers() {
    const [w1, w2, b1, b2] = this.parameters, { nLatent: n } = this, nPixels = b2.length;
    const rows = new Float32Array(w1.length);
    for (let j = 0; j < n; j++) for (let p = 0; p < nPixels; p++) rows[j * nPixels + p] = w1[p * n + j];
    return {
      encoder: [{ inputs: nPixels, outputs: n, activation: "sigmoid", weights: rows, bias: b1 }],
      decoder: [{ inputs: n, outputs: nPixels, activation: "sigmoid", weights: w2, bias: b2 }],
    };
  }
}
