"use strict";
// Plays one excerpt in all its versions at once. Mid and sides loop from one start, sample by sample together;
// what is heard is a matter of gains, so that switching moves nothing.
(function () {
  const SMOOTHING = 0.004; // seconds, time constant of all changes of gain
  const LEAD = 0.03; // seconds from the order to start to the start, so that all sources make it

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
    /** On an AudioContext, or an OfflineAudioContext; widths as the gains of stimuli are given at. */
    constructor(context, widths) {
      super();
      this.context = context;
      this.widths = widths;
      this.voices = new Map(); // signal → {buffer, gain, source}
      this.stimulus = null;
      this.width = 1;
      this.foldedDown = false;
      this.playing = false;
      this.resumes = false; // play when there is something to play
      this.samples = 0;
      this.loop = [0, 0];
      this.from = 0; // where in the music, in samples, it began to play …
      this.began = 0; // … and when, in seconds of the context

      this.midBus = new GainNode(context);
      this.sideBus = new GainNode(context);
      const turned = new GainNode(context, { gain: -1 });
      const merger = new ChannelMergerNode(context, { numberOfInputs: 2 });
      this.output = new GainNode(context, { gain: 0 });
      this.midBus.connect(merger, 0, 0);
      this.midBus.connect(merger, 0, 1);
      this.sideBus.connect(merger, 0, 0);
      this.sideBus.connect(turned).connect(merger, 0, 1);
      merger.connect(this.output).connect(context.destination);
    }

    /**
     * Take another excerpt's signals, name → AudioBuffer, and the stimuli made of them. If music played, it goes on
     * as soon as one of them is selected.
     */
    load(signals, stimuli) {
      const resumes = this.resumes || this.playing;
      this.pause();
      this.resumes = resumes;
      for (const { source, gain } of this.voices.values()) {
        if (source) { source.onended = () => gain.disconnect(); } else { gain.disconnect(); }
      }
      this.voices.clear();
      const mids = new Set(stimuli.map((stimulus) => stimulus.mid));
      for (const [name, buffer] of signals) {
        const gain = new GainNode(this.context, { gain: 0 });
        // Connected from the start: browsers do not run a source that nothing listens to, and it would be late.
        gain.connect(mids.has(name) ? this.midBus : this.sideBus);
        this.voices.set(name, { buffer, gain, source: null });
      }
      this.samples = signals.get("mid").length;
      this.rate = signals.get("mid").sampleRate;
      this.loop = [0, this.samples];
      this.from = 0;
      this.stimulus = null;
      this.#changed();
    }

    /** Let another version be heard, from `when` on. */
    select(stimulus, when = this.context.currentTime) {
      this.stimulus = stimulus;
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
      for (const voice of this.voices.values()) {
        voice.source = new AudioBufferSourceNode(this.context, {
          buffer: voice.buffer, loop: true, loopStart: first / this.rate, loopEnd: last / this.rate,
        });
        voice.source.connect(voice.gain);
        voice.source.start(this.began, this.from / this.rate);
      }
      this.#glide(this.output.gain, 1, this.began);
      this.playing = true;
      this.#changed();
    }

    pause() {
      this.resumes = false;
      if (!this.playing) { return; }
      this.from = Math.round(this.position());
      const now = this.context.currentTime;
      this.#glide(this.output.gain, 0, now);
      for (const voice of this.voices.values()) { voice.source.stop(now + LEAD); }
      this.playing = false;
      this.#changed();
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
