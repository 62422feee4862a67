"use strict";
// Goniometer, correlation and level of the side of what is heard.
(function () {
  const LENGTH = 2048; // samples looked at
  const INTEGRATION = 0.3; // seconds, of correlation and level
  const RELEASE = 1.5; // seconds, of the goniometer's own gain

  /** One for each channel. @param {BaseAudioContext} context @param {AudioNode} node @param {number} fftSize */
  listening.analysers = function (context, node, fftSize) {
    const splitter = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
    node.connect(splitter);
    return [0, 1].map(function (channel) {
      const analyser = new AnalyserNode(context, { fftSize });
      splitter.connect(analyser, channel);
      return analyser;
    });
  };

  class Meters {
    constructor(engine) {
      this.engine = engine;
      const attach = () => { this.analysers = listening.analysers(engine.context, engine.output, LENGTH); };
      attach();
      engine.addEventListener("context", attach);
      this.channels = [new Float32Array(LENGTH), new Float32Array(LENGTH)];
      this.sums = { cross: 0, left: 0, right: 0 };
      this.peak = 0;
      this.drawn = 0;
      this.told = 0;
      this.canvas = document.getElementById("goniometer");
    }

    /** Measure and draw; with `calm`, points without a trail. */
    update(now, calm) {
      this.analysers.forEach((analyser, i) => analyser.getFloatTimeDomainData(this.channels[i]));
      const [left, right] = this.channels;
      const elapsed = Math.min(0.5, (now - this.drawn) / 1000);
      this.drawn = now;
      const keep = Math.exp(-elapsed / INTEGRATION);
      const sums = { cross: 0, left: 0, right: 0 };
      let peak = 0;
      for (let i = 0; i < LENGTH; i++) {
        sums.cross += left[i] * right[i];
        sums.left += left[i] * left[i];
        sums.right += right[i] * right[i];
        peak = Math.max(peak, Math.abs(left[i]), Math.abs(right[i]));
      }
      for (const name in sums) { this.sums[name] = keep * this.sums[name] + (1 - keep) * sums[name]; }
      this.peak = Math.max(peak, this.peak * Math.exp(-elapsed / RELEASE), 1e-4);
      this.#draw(calm);
      this.#tell(now);
    }

    #tell(now) {
      const { cross, left, right } = this.sums;
      const silent = left + right < 1e-12;
      const correlation = silent ? NaN : cross / Math.max(Math.sqrt(left * right), 1e-30);
      const level = silent ? NaN : 10 * Math.log10((left + right - 2 * cross) / (left + right + 2 * cross));
      const write = now - this.told > 250;
      if (write) { this.told = now; }
      this.#show("correlation", correlation, 2, write);
      this.#show("side-level", level, 1, write);
    }

    #show(id, value, digits, write) {
      const bar = document.getElementById(id);
      const lowest = Number(bar.ariaValueMin), highest = Number(bar.ariaValueMax);
      const place = (one) => (100 * (Math.min(highest, Math.max(lowest, one)) - lowest)) / (highest - lowest);
      const zero = place(0), at = Number.isNaN(value) ? zero : place(value);
      bar.style.setProperty("--from", Math.min(zero, at) + "%");
      bar.style.setProperty("--to", 100 - Math.max(zero, at) + "%");
      if (!write) { return; }
      const text = Number.isNaN(value) ? "–" : value < lowest ? "< " + lowest : (value < 0 ? "−" : "+") + Math.abs(value).toFixed(digits);
      bar.parentElement.querySelector("b").textContent = text;
      bar.ariaValueNow = String(Number.isFinite(value) ? value.toFixed(digits) : lowest);
      bar.ariaValueText = Number.isNaN(value) ? "silence" : text;
    }

    #draw(calm) {
      const size = this.canvas.clientWidth, density = window.devicePixelRatio || 1;
      if (!size) { return; }
      const context = this.canvas.getContext("2d");
      if (this.canvas.width !== Math.round(size * density)) {
        this.canvas.width = this.canvas.height = Math.round(size * density);
      }
      context.setTransform(density, 0, 0, density, 0, 0);
      context.globalAlpha = calm ? 1 : 0.22; // what was drawn before fades
      context.fillStyle = listening.colour("well");
      context.fillRect(0, 0, size, size);
      context.globalAlpha = 1;
      const centre = size / 2, reach = centre - 16;
      context.strokeStyle = listening.colour("line");
      context.beginPath();
      for (const [x, y] of [[reach, 0], [0, reach], [reach / 2, reach / 2], [reach / 2, -reach / 2]]) {
        context.moveTo(centre - x, centre - y);
        context.lineTo(centre + x, centre + y);
      }
      context.moveTo(centre, centre - reach);
      for (const [x, y] of [[reach, 0], [0, reach], [-reach, 0], [0, -reach]]) { context.lineTo(centre + x, centre + y); }
      context.stroke();
      context.font = "11px system-ui, sans-serif";
      context.fillStyle = listening.colour("soft");
      context.textAlign = "center";
      context.fillText("mid", centre, 11);
      context.fillText("L", centre - reach / 2 - 9, centre - reach / 2 - 5);
      context.fillText("R", centre + reach / 2 + 9, centre - reach / 2 - 5);
      context.fillText("side", size - 13, centre - 6);
      const [left, right] = this.channels;
      const scale = reach / 2 / this.peak;
      context.fillStyle = listening.colour("trace");
      for (let i = 0; i < LENGTH; i += 2) {
        // Left points up and to the left, right up and to the right: mono stands upright.
        context.fillRect(centre + (right[i] - left[i]) * scale - 0.6, centre - (left[i] + right[i]) * scale - 0.6, 1.3, 1.3);
      }
    }
  }

  listening.Meters = Meters;
})();
