"use strict";
// Correlation per octave, peaks and loudness of what is heard.
(function () {
  const INTEGRATION = 0.3; // seconds
  const HELD = 1.5; // seconds, of peaks
  const MOMENT = 0.4; // seconds, of loudness (BS.1770)
  const TOLD_MILLISECONDS = 250;

  /** Between the samples, too. @param {Float32Array} samples @param {number[][]} phases of an interpolator */
  function truePeak(samples, phases) {
    let peak = 0;
    for (let i = phases[0].length - 1; i < samples.length; i++) {
      peak = Math.max(peak, Math.abs(samples[i]));
      for (const taps of phases) {
        let sum = 0;
        for (let k = 0; k < taps.length; k++) { sum += taps[k] * samples[i - k]; }
        peak = Math.max(peak, Math.abs(sum));
      }
    }
    return peak;
  }

  /** BS.1770, of signals that are K-weighted. @param {Float32Array[]} channels */
  function lufs(channels) {
    let power = 0;
    for (const channel of channels) {
      let sum = 0;
      for (const sample of channel) { sum += sample * sample; }
      power += sum / channel.length;
    }
    return -0.691 + 10 * Math.log10(power);
  }

  class Levels {
    constructor(engine) {
      this.engine = engine;
      this.phases = [[1]];
      this.octaves = [];
      this.held = { peak: 0, truePeak: 0 };
      this.drawn = 0;
      this.told = 0;
    }

    /** For an engine's context. @param {number[][]} sections K-weighting @param {number[][]} phases */
    attach(sections, phases) {
      const { context, output } = this.engine, { length } = listening.spectra;
      this.phases = phases;
      this.analysers = listening.analysers(context, output, length);
      const weighted = sections.reduce(
        (node, sos) => node.connect(new IIRFilterNode(context, { feedforward: sos.slice(0, 3), feedback: sos.slice(3) })), output);
      const samples = Math.round(MOMENT * context.sampleRate);
      this.fft = 2 ** Math.min(15, Math.ceil(Math.log2(samples)));
      this.moment = Math.min(samples, this.fft);
      this.weighted = listening.analysers(context, weighted, this.fft);
    }

    update(now) {
      if (!this.analysers) { return; }
      const { length } = listening.spectra, [left, right] = this.analysers.map((analyser) => filled(analyser, length));
      const elapsed = Math.min(0.5, (now - this.drawn) / 1000), keep = Math.exp(-elapsed / INTEGRATION);
      this.drawn = now;
      const fresh = listening.spectra.octaves(left, right, this.engine.context.sampleRate);
      this.octaves = fresh.map((octave, i) => {
        const before = this.octaves[i] || octave, mixed = { hz: octave.hz };
        for (const name of ["cross", "left", "right"]) { mixed[name] = keep * before[name] + (1 - keep) * octave[name]; }
        return mixed;
      });
      const release = Math.exp(-elapsed / HELD);
      const peak = [left, right].reduce((most, channel) => channel.reduce((a, b) => Math.max(a, Math.abs(b)), most), 0);
      const between = Math.max(truePeak(left, this.phases), truePeak(right, this.phases), peak);
      this.held = { peak: Math.max(peak, this.held.peak * release), truePeak: Math.max(between, this.held.truePeak * release) };
      this.#draw();
      if (now - this.told > TOLD_MILLISECONDS) {
        this.told = now;
        this.#tell(lufs(this.weighted.map((analyser) => filled(analyser, this.fft).subarray(this.fft - this.moment))));
      }
    }

    #tell(loudness) {
      const db = (value) => (value > 1e-5 ? listening.signed(20 * Math.log10(value)) : "–");
      const shown = Number.isFinite(loudness) && loudness > -70 ? listening.signed(loudness) : "–";
      const element = document.getElementById("levels");
      element.textContent = `${db(this.held.peak)} dB · ${db(this.held.truePeak)} dBTP · ${shown} LUFS`;
      element.classList.toggle("over", this.held.truePeak > 1);
      const spoken = this.octaves.map((octave) => `${octave.hz} Hz ${correlation(octave).toFixed(1)}`).join(", ");
      document.getElementById("octaves").setAttribute("aria-label", `${listening.texts.octaves}: ${spoken}`);
    }

    #draw() {
      const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("octaves"));
      const { context, width, height } = listening.blank(canvas);
      const wide = width / Math.max(1, this.octaves.length), room = (height - 14) / 2;
      context.fillStyle = listening.colour("strong");
      context.fillRect(0, room, width, 1);
      context.font = "10px system-ui, sans-serif";
      context.textAlign = "center";
      this.octaves.forEach((octave, i) => {
        const tall = correlation(octave) * room;
        context.fillStyle = listening.colour(tall < 0 ? "alarm" : "accent");
        context.fillRect(i * wide + 2, Math.min(room, room - tall), wide - 4, Math.abs(tall));
        context.fillStyle = listening.colour("soft");
        context.fillText(octave.hz < 1000 ? String(octave.hz) : octave.hz / 1000 + "k", (i + 0.5) * wide, height - 2);
      });
    }
  }

  function correlation({ cross, left, right }) { return left + right < 1e-9 ? 0 : cross / Math.max(Math.sqrt(left * right), 1e-20); }

  function filled(analyser, length) {
    const samples = new Float32Array(length);
    analyser.getFloatTimeDomainData(samples);
    return samples;
  }

  /** With its sign, one digit. */
  listening.signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(1);

  Object.assign(listening, { Levels, truePeak, lufs });
})();
