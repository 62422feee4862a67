"use strict";
// From settings to sound: which signals play, through which filters, how loud.
(function () {
  const SETTLES_MILLISECONDS = 250; // until a new filter has heard enough of the past to take over without a click
  const MEASURED_AFTER_MILLISECONDS = 700; // of quiet: nobody measures while a hand is at the slider
  const MOST_CHAINS = 6;

  /** The settings that a filter depends on; the width in dB is a gain. @param {Settings} settings */
  const chainKey = (settings) => {
    const { width: _, ...rest } = listening.heard(settings);
    return JSON.stringify(Object.entries(rest).sort());
  };
  const methodOf = (settings) => settings.method || settings.model || "";

  class Player extends EventTarget {
    /** Dispatches "recording", "progress", "measured", "measuring" and "problem" (detail: text). */
    constructor(link, state, facts) {
      super();
      this.link = link;
      this.state = state;
      this.facts = facts;
      this.engine = new listening.Engine(new AudioContext({ latencyHint: "interactive" }), facts.widths);
      this.levels = new listening.Levels(this.engine);
      /** @type {Map<string, Chain>} */
      this.chains = new Map();
      this.streams = new Map();
      this.progress = new Map(); // voice → samples
      this.measured = null;
      this.gains = new Map(); // chain → gains of equal loudness
      this.bypassed = false;
      this.equal = true;
      this.forced = null; // a slot that is heard whatever is active: of a blind test
      this.recording = 0;
      this.order = 0;
      link.addEventListener("told", (event) => this.#told(event.detail));
      state.addEventListener("change", () => this.apply());
      this.engine.addEventListener("change", () => this.#passage());
    }

    get open() { return this.recording > 0 && this.engine.samples > 0; }
    get settings() { return this.state.asked(this.state.slots[this.forced || this.state.active]); }

    #told(told) {
      if (told.event === "opened" && told.voice === "mid") { this.#begin(told); }
      if (told.recording !== this.recording) { return; }
      if (told.event === "again") { for (const stream of this.streams.values()) { stream.restart(); } }
      if (told.event === "progress" || told.event === "finished") { this.#grow(told); }
      if (told.event === "failed") { this.#problem(told.text); }
      if (told.event === "finished" && told.voice !== "mid") { this.#passage(); }
    }

    #begin(told) {
      this.recording = told.recording;
      this.name = told.name;
      this.kind = told.kind;
      this.channels = told.channels;
      this.notices = [];
      this.progress = new Map();
      this.chains.clear();
      this.gains.clear();
      this.measured = null;
      this.passage = "";
      this.finished = new Set();
      const old = this.engine.context;
      this.engine.use(new AudioContext({ sampleRate: told.sample_rate, latencyHint: "interactive" }));
      /** @type {AudioContext} */ (old).close();
      this.levels.attach(told.k_weighting, this.facts.phases);
      this.streams = new Map();
      this.length = told.frames;
      const mid = this.#stream("mid", told.sample_rate);
      mid.grow(0, told.frames);
      this.engine.load(new Map([["mid", mid]]), [{ mid: "mid", side: null, gains: [1, 1, 1] }]);
      this.engine.select({ mid: "mid", side: null, gains: [1, 1, 1] });
      const { engine } = this, { context } = engine;
      // As soon as something has come, where the browser lets it sound; else when Play is pressed.
      /** @type {AudioContext} */ (context).resume().then(() => { if (engine.context === context) { engine.play(); } }, () => null);
      this.dispatchEvent(new Event("recording"));
      this.apply();
    }

    #stream(voice, rate) {
      const stream = new listening.Stream((first, last) => this.link.bytes(`samples/${voice}?first=${first}&last=${last}`), rate);
      this.streams.set(voice, stream);
      return stream;
    }

    #grow(told) {
      const { voice, frames } = told, done = told.event === "finished";
      if (voice === "mid") {
        if (done) { this.notices = told.notices; }
        const length = done ? frames : Math.max(this.length, frames);
        if (length !== this.engine.samples) { this.engine.resize(length); }
        this.length = length;
      }
      this.progress.set(voice, frames);
      if (done) { this.finished.add(voice); }
      for (const each of [voice, voice.replace("side-", "mid-")]) { this.streams.get(each)?.grow(frames, this.length); }
      if (voice === "mid" && done) {
        for (const [name, stream] of this.streams) { stream.grow(this.progress.get(name.replace("mid-", "side-")) || 0, this.length); }
      }
      this.dispatchEvent(new Event("progress"));
    }

    /** Have the settings of the active slot heard. */
    async apply() {
      if (!this.recording) { return; }
      const order = ++this.order, settings = this.settings, key = chainKey(settings);
      const known = this.chains.get(key);
      if (known) { this.#hear(settings, known); }
      try {
        const answer = await this.link.call("apply", { settings });
        if (order !== this.order) { return; }
        this.command = answer.command;
        this.applied = answer;
        if (!known) {
          const chain = this.#chain(key, answer);
          if (this.engine.playing && chain.filtered) { await new Promise((resolve) => setTimeout(resolve, SETTLES_MILLISECONDS)); }
          if (order === this.order) { this.#hear(settings, chain); }
        }
        this.#problem(answer.notices.join("; "));
        this.#passage();
      } catch (error) {
        if (order === this.order) { this.#problem(error.message); }
      }
    }

    /** Make what these settings sound like, beside what is heard. @returns {Promise<void>} */
    async prepare(settings) {
      settings = this.state.asked(settings);
      const key = chainKey(settings);
      if (!this.chains.has(key)) { this.#chain(key, await this.link.call("apply", { settings })); }
    }

    #chain(key, { side, changesMid, gain, highband }) {
      const { engine } = this, voice = `side-${side}`, own = `mid-${side}`;
      const rate = engine.rate;
      for (const [name, isMid] of changesMid ? [[voice, false], [own, true]] : [[voice, false]]) {
        if (!engine.voices.has(name)) {
          const stream = this.#stream(name, rate);
          stream.grow(this.progress.get(voice) || 0, this.length);
          engine.add(name, stream, isMid);
        }
      }
      const made = `${voice} ${key}`, filtered = Boolean(gain || highband);
      if (filtered && !engine.voices.has(made)) {
        engine.derive(made, [[voice, floats(gain)], ...(highband ? [["mid", floats(highband)]] : [])]);
      }
      const chain = { mid: changesMid ? own : "mid", side: filtered ? made : voice, voice, filtered, fixed: changesMid };
      this.chains.set(key, chain);
      this.#prune(key);
      return chain;
    }

    #prune(newest) {
      const kept = new Set([newest, ...Object.values(this.state.slots).map((each) => chainKey(this.state.asked(each)))]);
      for (const [key, { side, filtered }] of this.chains) {
        if (this.chains.size <= MOST_CHAINS) { return; }
        if (kept.has(key) || this.engine.stimulus?.side === side) { continue; }
        this.chains.delete(key);
        if (filtered) { this.engine.remove(side); }
      }
    }

    #hear(settings, chain) {
      const gains = (this.equal && this.gains.get(chainKey(settings))) || [1, 1, 1];
      const width = chain.fixed ? 1 : 10 ** ((settings.width || 0) / 20);
      const { mid, side } = this.bypassed ? { mid: "mid", side: null } : chain;
      this.engine.select({ mid, side, gains: this.bypassed ? [1, 1, 1] : gains, width });
    }

    setBypass(on) {
      this.bypassed = on;
      this.#again();
    }

    setEqual(on) {
      this.equal = on;
      this.#again();
    }

    /** Hear a slot whatever is active; null for the active one. */
    force(slot) {
      this.forced = slot;
      this.#again();
    }

    #again() {
      const chain = this.chains.get(chainKey(this.settings));
      if (chain) { this.#hear(this.settings, chain); } else { this.apply(); }
      this.dispatchEvent(new Event("heard"));
    }

    // Measure what is heard, once settings, loop and sides rest.
    #passage() {
      const { engine } = this, chain = this.chains.get(chainKey(this.settings));
      if (!this.open || !chain || this.forced) { return; }
      const [first, last] = engine.loop, settings = this.settings;
      const there = Math.min(this.progress.get("mid") || 0, this.progress.get(chain.voice) || 0);
      if (there < last && !(this.finished.has("mid") && this.finished.has(chain.voice))) { return; }
      const passage = `${first} ${last} ${JSON.stringify(settings)}`;
      if (passage === this.passage) { return; }
      this.passage = passage;
      clearTimeout(this.waiting);
      this.waiting = setTimeout(async () => {
        this.dispatchEvent(new Event("measuring"));
        try {
          const measured = await this.link.call("measure", { settings, first, last });
          if (passage !== this.passage) { return; }
          this.measured = measured;
          this.gains.set(chainKey(settings), unwidened(measured.gains, this.facts.widths, 10 ** ((settings.width || 0) / 20)));
          this.dispatchEvent(new Event("measured"));
          this.#again();
        } catch (error) {
          if (passage === this.passage) { this.#problem(error.message); }
        }
      }, MEASURED_AFTER_MILLISECONDS);
    }

    #problem(text) { this.dispatchEvent(new CustomEvent("problem", { detail: text })); }
  }

  /**
   * Gains at widths of the curve itself, of gains at widths of a version that was so many times as wide:
   * 1 / gain² is a line over width².
   */
  function unwidened(gains, widths, factor) {
    const rise = (gains[1] ** -2 - gains[0] ** -2) / widths[1] ** 2 / factor ** 2;
    return widths.map((width) => (gains[0] ** -2 + rise * width ** 2) ** -0.5);
  }

  /** @param {string | null} base64 of float32 @returns {Float32Array | null} */
  function floats(base64) {
    if (base64 === null) { return null; }
    return new Float32Array(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer);
  }

  Object.assign(listening, { Player, unwidened, chainKey, methodOf });
})();
