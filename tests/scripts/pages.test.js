// The pages' scripts without a page: what can be wrong without a browser noticing.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

const root = new URL("../../mono2stereo/", import.meta.url);

/** `listening` as these scripts make it. */
function load(...files) {
  const context = vm.createContext({ console, setTimeout, clearTimeout, EventTarget, Event, CustomEvent, AudioBuffer: Buffer_ });
  context.window = context;
  for (const file of ["studio/assets/base.js", ...files]) { vm.runInContext(readFileSync(new URL(file, root), "utf8"), context); }
  return context.listening;
}

class Buffer_ {
  constructor({ length }) { this.length = length; }
  copyToChannel(samples) { this.samples = samples; }
}
const plain = (value) => JSON.parse(JSON.stringify(value));

test("guesses get so many right as often as the binomial distribution says", () => {
  const { chance } = load("studio/assets/abx.js");
  assert.equal(chance(0, 0), 1);
  assert.equal(chance(10, 10), 1 / 1024);
  assert.equal(chance(5, 10), 638 / 1024);
  assert.ok(Math.abs(chance(14, 16) - 137 / 65536) < 1e-12);
  assert.ok(Math.abs(chance(60, 100) - 0.028443966820490) < 1e-12); // scipy.stats.binomtest(60, 100, alternative="greater")
});

test("X is drawn anew after each answer, and only right answers count", () => {
  const drawn = [0.2, 0.9, 0.1, 0.7];
  const trials = new (load("studio/assets/abx.js").Trials)(() => drawn.shift());
  for (const answer of ["A", "B", "B"]) { trials.answer(answer); }
  assert.deepEqual([trials.right, trials.all, trials.p], [2, 3, 0.5]);
});

test("undo goes back over changes in a row at once, and redo forth", () => {
  const { State } = load("studio/assets/state.js");
  const state = new State({ width: 1 });
  state.set({ width: 2 });
  state.set({ width: 3 });
  state.set({ method: "velvet" });
  assert.deepEqual(plain(state.settings), { width: 3, method: "velvet" });
  state.undo();
  assert.deepEqual(plain(state.settings), { width: 3 });
  state.undo();
  assert.deepEqual(plain(state.settings), { width: 1 });
  state.redo();
  state.set({ width: null });
  assert.deepEqual(plain(state.settings), {});
  state.redo();
  assert.deepEqual(plain(state.settings), {});
});

test("slots are apart until one is copied", () => {
  const state = new (load("studio/assets/state.js").State)();
  state.activate("B");
  state.set({ width: 4 });
  assert.deepEqual(plain(state.slots), { A: {}, B: { width: 4 } });
  state.copy();
  assert.deepEqual(plain(state.slots.A), { width: 4 });
});

test("a method with a width of its own is asked for without one", () => {
  const state = new (load("studio/assets/state.js").State)({ width: 4, method: "haas", dither: true }, ["width"], ["haas"]);
  assert.deepEqual(plain(state.asked()), { method: "haas", dither: true });
  state.set({ method: "velvet" });
  assert.equal(state.asked().width, 4);
});

test("a stream keeps few chunks, asks for each once, and for none that is not made", async () => {
  const asked = [];
  const { Stream } = load("studio/assets/stream.js");
  const stream = new Stream(async (first, last) => { asked.push(first); return new Float32Array(last - first).buffer; }, 44100);
  stream.grow(65536, 65536 * 100 + 7);
  assert.equal(stream.chunk(0), null);
  assert.equal(stream.chunk(1), null);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(stream.chunk(0).length, 65536);
  assert.deepEqual(asked, [0]);
  stream.grow(stream.length, stream.length);
  for (let i = 0; i <= 100; i++) {
    stream.chunk(i);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(stream.chunk(100).length, 7);
  assert.ok(stream.chunks.size <= 24);
  assert.equal(new Set(asked).size, asked.length);
});

test("points of a curve are read and written as the command line has them", () => {
  const { curve } = load("studio/assets/curve.js");
  assert.deepEqual(plain(curve.points("1000:-10.55,100:-20,x")), [[100, -20], [1000, -10.55]]);
  assert.equal(curve.written([[99.6, -20], [1000, -10.56]]), "100:-20,1000:-10.6");
});

test("gains of equal loudness are found at any width from those at one", () => {
  const { unwidened } = load("studio/assets/player.js");
  const power = 0.4, loud = (width) => (1 + power * width ** 2) ** -0.5; // a side of so much power at width 1
  const factor = 10 ** (-4 / 20);
  const found = unwidened([0, 1, 2].map((width) => loud(width * factor)), [0, 1, 2], factor);
  [0, 1, 2].forEach((width, i) => assert.ok(Math.abs(found[i] - loud(width)) < 1e-12));
});

test("a true peak lies between samples, loudness is BS.1770's", () => {
  const { truePeak, lufs } = load("web/spectra.js", "studio/assets/levels.js");
  const between = [[0, 0.5, 0.5]];
  assert.equal(truePeak(Float32Array.of(0, 0, 0.5, 0.75, 0), between), 0.75);
  assert.equal(truePeak(Float32Array.of(0, 0, 1, 1, 0), [[0, 1.2, 0]]), Math.fround(1) * 1.2);
  assert.ok(Math.abs(lufs([new Float32Array(100).fill(1), new Float32Array(100)]) + 0.691) < 1e-9);
});

test("the correlation of an octave is that of what sounds in it", () => {
  const { spectra } = load("web/spectra.js");
  const sine = (hz, phase = 0) => Float32Array.from({ length: spectra.length }, (_, i) => Math.sin((2 * Math.PI * hz * i) / 44100 + phase));
  const low = sine(130), high = sine(4000), right = high.map((sample, i) => low[i] - sample);
  const made = spectra.octaves(high.map((sample, i) => low[i] + sample), right, 44100);
  const correlation = (hz) => { const { cross, left, right: other } = made.find((octave) => octave.hz === hz); return cross / Math.sqrt(left * other); };
  assert.ok(correlation(125) > 0.99);
  assert.ok(correlation(4000) < -0.99);
});
