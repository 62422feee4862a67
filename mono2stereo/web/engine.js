"use strict";
// Plays a recording in all its versions at once. Mid and sides play from one start, sample by sample together;
// what is heard is a matter of gains, so that switching moves nothing. A signal is a buffer, or a stream of them.
(function () {
  const SMOOTHING = 0.004; // seconds, time constant of all changes of gain
  const LEAD = 0.03; // seconds from the order to start to the start, so that all sources make it
  const AHEAD = 3; // seconds of streams that wait in the context; browsers call a hidden page once a second
  const FEEDING_MILLISECONDS = 200;
  const MONITORS = { stereo: [1, 1, -1], side: [0, 1, 1], left: [1, 1, 1], right: [1, -1, -1] }; // mid; side to L, R

  /**
   * The gain for equal loudness between those given at some widths. Power is the mid's and width² times the
   * side's: what a gain makes up for, 1 / gain², is a line over width².
   */
  function between(widths, gains, width) {
    let i = 1;
    while (i < widths.length - 1 && width > widths[i]) { i++; }
    const part = (width ** 2 - widths[i - 1] ** 2) / (widths[i] ** 2 - widths[i - 1] ** 2);
    return (gains[i - 1] ** -2 + (gains[i] ** -2 - gains[i - 1] ** -2) * part) ** -0.5;
  }

  class Engine extends EventTarget {
    /**
     * @param {BaseAudioContext} context
     * @param {number[]} widths as the gains of stimuli are given at
     */
    constructor(context, widths) {
      super();
      this.widths = widths;
      /** @type {Stimulus | null} */
      this.stimulus = null;
      this.width = 1;
      this.foldedDown = false;
      this.monitor = "stereo";
      this.playing = false;
      this.resumes = false; // play when there is something to play
      this.samples = 0;
      this.ahead = AHEAD;
      this.loop = [0, 0];
      this.from = 0; // where in the music, in samples, it began to play …
      this.began = 0; // … and when, in seconds of the context
      this.use(context);
      setInterval(() => this.#feed(), FEEDING_MILLISECONDS);
    }

    /** Play through another context from now on; all signals go. @param {BaseAudioContext} context */
    use(context) {
      if (this.playing) { this.pause(); }
      this.context = context;
      /** @type {Map<string, Voice>} */
      this.voices = new Map();
      /** @type {Piece[]} */
      this.pieces = []; // of streams: what waits in the context, or sounds
      this.stimulus = null;
      this.midBus = new GainNode(context);
      this.sideBus = new GainNode(context);
      this.sides = [new GainNode(context), new GainNode(context, { gain: -1 })]; // to left and right
      const merger = new ChannelMergerNode(context, { numberOfInputs: 2 });
      this.output = new GainNode(context, { gain: 0 });
      this.sides.forEach((side, channel) => {
        this.midBus.connect(merger, 0, channel);
        this.sideBus.connect(side).connect(merger, 0, channel);
      });
      merger.connect(this.output).connect(context.destination);
      this.dispatchEvent(new Event("context"));
    }

    /**
     * Take another excerpt's signals and the stimuli made of them. If music played, it goes on as soon as one of
     * them is selected.
     * @param {Map<string, AudioBuffer | Stream>} signals
     * @param {Stimulus[]} stimuli
     */
    load(signals, stimuli) {
      const resumes = this.resumes || this.playing;
      this.pause();
      this.resumes = resumes;
      for (const name of [...this.voices.keys()]) { this.remove(name); }
      const mids = new Set(stimuli.map((stimulus) => stimulus.mid));
      for (const [name, signal] of signals) { this.add(name, signal, mids.has(name)); }
      const mid = signals.get("mid");
      this.samples = mid.length;
      this.rate = mid.sampleRate;
      this.loop = [0, this.samples];
      this.from = 0;
      this.stimulus = null;
      this.#changed();
    }

    /** Have a signal play with the others. @param {string} name @param {AudioBuffer | Stream} signal @param {boolean} isMid */
    add(name, signal, isMid) {
      const tap = new GainNode(this.context), gain = new GainNode(this.context, { gain: 0 });
      // Connected from the start: browsers do not run a source that nothing listens to, and it would be late.
      tap.connect(gain).connect(isMid ? this.midBus : this.sideBus);
      const stream = signal instanceof AudioBuffer ? null : signal;
      const buffer = signal instanceof AudioBuffer ? signal : null;
      this.voices.set(name, { tap, gain, buffer, stream, source: null, inputs: [] });
      stream?.addEventListener("more", () => this.#feed());
      this.#feed();
    }

    /**
     * Have a side made of others while they play: the sum of each through its impulse response.
     * @param {string} name
     * @param {[string, Float32Array | null][]} parts name and response; null leaves it as it is
     */
    derive(name, parts) {
      const gain = new GainNode(this.context, { gain: 0 }), tap = new GainNode(this.context);
      tap.connect(gain).connect(this.sideBus);
      const inputs = [];
      for (const [from, response] of parts) {
        const input = this.voices.get(from).tap;
        /** @type {AudioNode} */
        let first = tap;
        if (response) {
          const buffer = new AudioBuffer({ length: response.length, numberOfChannels: 1, sampleRate: this.context.sampleRate });
          buffer.copyToChannel(/** @type {Float32Array<ArrayBuffer>} */ (response), 0);
          first = new ConvolverNode(this.context, { disableNormalization: true, buffer });
          first.connect(tap);
        }
        input.connect(first);
        inputs.push(() => input.disconnect(first));
      }
      this.voices.set(name, { tap, gain, buffer: null, stream: null, source: null, inputs });
    }

    /** Forget a signal. @param {string} name */
    remove(name) {
      const { source, tap, gain, inputs } = this.voices.get(name);
      for (const disconnect of inputs) { disconnect(); }
      if (source) { source.onended = () => gain.disconnect(); } else { gain.disconnect(); tap.disconnect(); }
      this.voices.delete(name);
      for (const piece of this.pieces) { piece.sources.delete(name); }
    }

    /** Another length than was thought. @param {number} samples */
    resize(samples) {
      const whole = !this.loops();
      this.samples = samples;
      if (whole || this.loop[1] > samples) { this.loop = [whole ? 0 : Math.min(this.loop[0], samples - 1), samples]; }
      this.#changed();
    }

    /** Let another version be heard, from `when` on. */
    select(stimulus, when = this.context.currentTime) {
      this.stimulus = stimulus;
      this.width = stimulus.width ?? this.width;
      this.#applyGains(when);
      if (this.resumes) { this.play(); }
      this.#changed();
    }

    setWidth(width, when = this.context.currentTime) {
      this.width = width;
      this.#applyGains(when);
      this.#changed();
    }

    setFoldedDown(on, when = this.context.currentTime) {
      this.foldedDown = on;
      this.#applyGains(when);
      this.#changed();
    }

    /** Hear both channels, one of them, or the side alone; what is alone comes from both loudspeakers. */
    setMonitor(name, when = this.context.currentTime) {
      this.monitor = name;
      const [mid, ...sides] = MONITORS[name];
      this.#glide(this.midBus.gain, mid, when);
      this.sides.forEach((side, i) => this.#glide(side.gain, sides[i], when));
      this.#changed();
    }

    /** The signal of the version heard at this width, as left or right, mid or side; before loudness. */
    channel(which) {
      const mid = this.voices.get(this.stimulus.mid).buffer.getChannelData(0);
      if (which === "mid") { return mid; }
      const width = this.heardWidth();
      const sign = which === "right" ? -width : width;
      const side = this.stimulus.side ? this.voices.get(this.stimulus.side).buffer.getChannelData(0) : null;
      const made = new Float32Array(mid.length);
      for (let i = 0; i < made.length; i++) {
        made[i] = (which === "side" ? 0 : mid[i]) + (side ? sign * side[i] : 0);
      }
      return made;
    }

    heardWidth() { return this.foldedDown ? 0 : this.width; }

    play() {
      if (this.playing || !this.stimulus) { return; }
      this.resumes = false;
      const [first, last] = this.loop;
      if (this.from < first || this.from >= last) { this.from = first; }
      const frame = Math.ceil((this.context.currentTime + LEAD) * this.context.sampleRate);
      this.began = frame / this.context.sampleRate;
      this.next = { at: this.from, frame };
      if (this.#streams().length && !this.#feed()) { this.resumes = true; return; }
      for (const voice of this.voices.values()) {
        if (!voice.buffer) { continue; }
        voice.source = new AudioBufferSourceNode(this.context, {
          buffer: voice.buffer, loop: true, loopStart: first / this.rate, loopEnd: last / this.rate,
        });
        voice.source.connect(voice.tap);
        voice.source.start(this.began, this.from / this.rate);
      }
      this.#glide(this.output.gain, 1, this.began);
      this.playing = true;
      this.#changed();
    }

    pause() {
      this.resumes = false;
      this.next = null;
      if (!this.playing) { return; }
      this.from = Math.round(this.position());
      const now = this.context.currentTime;
      this.#glide(this.output.gain, 0, now);
      for (const voice of this.voices.values()) { voice.source?.stop(now + LEAD); }
      for (const piece of this.pieces) {
        for (const source of piece.sources.values()) { source?.stop(now + LEAD); }
      }
      this.pieces = [];
      this.playing = false;
      this.#changed();
    }

    /** What the play button does. The state of a context says nothing: a busy browser's lags behind what plays. */
    async toggle() {
      if (this.playing || this.resumes) { this.pause(); return; }
      await /** @type {AudioContext} */ (this.context).resume();
      this.play();
    }

    /** Where in the music we are, in samples. */
    position() {
      if (!this.playing) { return this.from; }
      const [first, last] = this.loop;
      const at = this.from + Math.max(0, this.context.currentTime - this.began) * this.rate;
      return at < last ? at : first + ((at - first) % (last - first));
    }

    seek(sample) { this.#restarted(() => { this.from = Math.round(Math.min(Math.max(sample, 0), this.samples - 1)); }); }

    /** Repeat from one sample to another, or all of it. */
    setLoop(first = 0, last = this.samples) {
      const shortest = Math.round(0.1 * this.rate);
      this.#restarted(() => {
        const start = Math.max(0, Math.min(Math.round(first), this.samples - shortest));
        this.loop = [start, Math.min(this.samples, Math.max(Math.round(last), start + shortest))];
        if (this.from < this.loop[0] || this.from >= this.loop[1]) { this.from = this.loop[0]; }
      });
    }

    loops() { return this.loop[0] > 0 || this.loop[1] < this.samples; }

    // Loop points of sources that run cannot be changed at one moment: they start together again.
    #restarted(change) {
      const playing = this.playing;
      this.pause();
      change();
      if (playing) { this.play(); } else { this.#changed(); }
    }

    #streams() { return [...this.voices].filter(([, voice]) => voice.stream); }

    /**
     * Have streams play on for some seconds, piece by piece, each from the same sample at the same moment. Where the
     * mid has not come the music waits for it; where a side has not, the mid plays alone.
     * @returns {boolean} whether there is something to play
     */
    #feed() {
      const streams = this.#streams(), mid = this.voices.get("mid")?.stream;
      if (!mid) { return false; }
      if (!this.playing && !this.next) { if (this.resumes) { this.play(); } return false; }
      const { context, rate } = this, size = mid.chunkSamples, [first, last] = this.loop;
      this.pieces = this.pieces.filter((piece) => (piece.frame + piece.samples) / rate > context.currentTime);
      while (this.next.frame / rate < context.currentTime + this.ahead) {
        const { at, frame } = this.next, chunk = Math.floor(at / size);
        if (!mid.chunk(chunk)) { break; }
        const samples = Math.min((chunk + 1) * size, last) - at;
        this.pieces.push({ chunk, from: at - chunk * size, samples, frame, sources: new Map() });
        this.next = { at: at + samples < last ? at + samples : first, frame: frame + samples };
      }
      for (const piece of this.pieces) {
        for (const [name, voice] of streams) { if (!piece.sources.has(name)) { this.#sound(piece, name, voice); } }
      }
      const goesOn = this.pieces.length > 0;
      if (this.playing && !goesOn) {
        const { at } = this.next;
        this.pause();
        this.from = at;
        this.resumes = true;
        this.#changed();
      }
      if (!this.playing && !goesOn) { this.next = null; }
      return goesOn;
    }

    #sound(piece, name, voice) {
      const whole = voice.stream.chunk(piece.chunk);
      if (!whole) { return; }
      const soonest = Math.ceil((this.context.currentTime + LEAD) * this.rate);
      const begun = Math.max(0, soonest - piece.frame); // what should sound already begins where the music is
      const samples = piece.samples - begun;
      if (samples <= 0) { piece.sources.set(name, null); return; }
      let buffer = whole;
      if (samples !== whole.length) {
        const part = whole.getChannelData(0).subarray(piece.from + begun, piece.from + begun + samples);
        buffer = new AudioBuffer({ length: samples, numberOfChannels: 1, sampleRate: this.rate });
        buffer.copyToChannel(part, 0);
      }
      const source = new AudioBufferSourceNode(this.context, { buffer });
      if (begun) {
        const fade = new GainNode(this.context, { gain: 0 });
        this.#glide(fade.gain, 1, (piece.frame + begun) / this.rate);
        source.connect(fade).connect(voice.tap);
      } else {
        source.connect(voice.tap);
      }
      source.start((piece.frame + begun) / this.rate);
      piece.sources.set(name, source);
    }

    #applyGains(when) {
      if (!this.stimulus) { return; }
      const width = this.heardWidth();
      const gain = between(this.widths, this.stimulus.gains, width);
      for (const [name, voice] of this.voices) {
        const heard = name === this.stimulus.mid || name === this.stimulus.side;
        this.#glide(voice.gain.gain, heard ? gain : 0, when);
      }
      this.#glide(this.sideBus.gain, width, when);
    }

    #glide(parameter, value, when) {
      parameter.cancelScheduledValues(when);
      parameter.setTargetAtTime(value, when, SMOOTHING);
    }

    #changed() { this.dispatchEvent(new Event("change")); }
  }

  listening.Engine = Engine;
})();
