"use strict";
// Waveform and spectrogram over time, with the place we are at and the loop: seen, clicked, dragged, or by keys.
(function () {
  const RANGE_DB = 72;
  const LOWEST_HZ = 60;
  const TICKS_HZ = [100, 200, 500, 1000, 2000, 5000, 10000, 20000];
  const DRAG_PIXELS = 4;
  const FONT = "11px system-ui, sans-serif";
  const SECONDS_HEIGHT = 16; // CSS pixels, below the waveforms

  /** The canvas's context with room for its size on screen, in CSS pixels, emptied. */
  listening.blank = function (canvas) {
    const { width, height } = canvas.getBoundingClientRect();
    const density = window.devicePixelRatio || 1;
    const sizes = [Math.max(1, Math.round(width * density)), Math.max(1, Math.round(height * density))];
    if (canvas.width !== sizes[0] || canvas.height !== sizes[1]) { [canvas.width, canvas.height] = sizes; }
    const context = canvas.getContext("2d");
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
    return { context, width, height };
  };

  listening.colour = function (name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  };

  function extremes(signal, columns) {
    const lows = new Float32Array(columns), highs = new Float32Array(columns);
    for (let x = 0; x < columns; x++) {
      let low = Infinity, high = -Infinity;
      const last = Math.floor(((x + 1) / columns) * signal.length);
      for (let i = Math.floor((x / columns) * signal.length); i < last; i++) {
        if (signal[i] < low) { low = signal[i]; }
        if (signal[i] > high) { high = signal[i]; }
      }
      lows[x] = low;
      highs[x] = high;
    }
    return { lows, highs };
  }

  /** Signals one below the other on one scale, [signal, colour] each; seconds at the bottom. */
  listening.drawWaveforms = function (canvas, lanes, rate) {
    const columns = Math.max(1, Math.floor(canvas.getBoundingClientRect().width));
    const drawn = lanes.map(([signal, colour]) => ({ ...extremes(signal, columns), colour }));
    listening.drawExtremes(canvas, drawn, lanes[0][0].length / rate);
  };

  /** The same, of the least and the greatest sample in each column. @param {Lane[]} lanes @param {number} seconds */
  listening.drawExtremes = function (canvas, lanes, seconds) {
    const { context, width, height } = listening.blank(canvas);
    const room = (height - SECONDS_HEIGHT) / lanes.length;
    let peak = 1e-9;
    for (const { lows, highs } of lanes) {
      for (let i = 0; i < lows.length; i++) { peak = Math.max(peak, -lows[i], highs[i]); }
    }
    const scale = (0.94 / peak) * (room / 2);
    lanes.forEach(({ lows, highs, colour, part = 1 }, lane) => {
      const middle = (lane + 0.5) * room, wide = (width * part) / lows.length;
      context.fillStyle = listening.colour(colour);
      for (let i = 0; i < lows.length; i++) {
        context.fillRect(i * wide, middle - highs[i] * scale, Math.max(wide, 1), Math.max(1, (highs[i] - lows[i]) * scale));
      }
    });
    const every = [0.5, 1, 2, 5, 10, 30, 60, 120, 300].find((step) => (seconds / step) * 44 < width) || 600;
    context.font = FONT;
    context.fillStyle = listening.colour("soft");
    for (let at = 0; at < seconds; at += every) {
      const x = (at / seconds) * width;
      context.fillRect(x, height - SECONDS_HEIGHT, 1, 4);
      context.fillText(at + " s", x + 4, height - 4);
    }
  };

  /** Names of the waveform's lanes and the spectrogram's frequencies, beside them. */
  listening.drawAxis = function (canvas, waveform, names, rate) {
    const { context, width, height } = listening.blank(canvas);
    const below = waveform.getBoundingClientRect().height, room = (below - SECONDS_HEIGHT) / names.length;
    context.font = FONT;
    context.textAlign = "right";
    context.fillStyle = listening.colour("soft");
    names.forEach((name, i) => context.fillText(name, width - 8, (i + 0.5) * room + 4));
    for (const tick of TICKS_HZ.filter((one) => one < rate / 2.1)) {
      const y = below + (height - below) * (1 - Math.log(tick / LOWEST_HZ) / Math.log(rate / 2 / LOWEST_HZ));
      context.fillRect(width - 5, y, 5, 1);
      context.fillText(tick < 1000 ? String(tick) : tick / 1000 + "k", width - 8, y + 4);
    }
    context.fillText("Hz", width - 8, height - 2);
  };

  function ramp(colours) {
    const stops = colours.split(",").map((hex) => [1, 3, 5].map((at) => parseInt(hex.trim().slice(at, at + 2), 16)));
    const made = new Uint8ClampedArray(256 * 3);
    for (let i = 0; i < 256; i++) {
      const place = (i / 255) * (stops.length - 1), below = Math.min(Math.floor(place), stops.length - 2);
      for (let c = 0; c < 3; c++) {
        made[3 * i + c] = stops[below][c] + (stops[below + 1][c] - stops[below][c]) * (place - below);
      }
    }
    return made;
  }

  /** Powers, column by column, in dB below `loudest`, over a logarithmic axis of frequency. */
  listening.drawSpectrogram = function (canvas, powers, loudest, rate) {
    const { bins } = listening.spectra;
    const columns = powers.length / bins, rows = Math.max(1, Math.round(canvas.getBoundingClientRect().height));
    const shades = new Uint8ClampedArray(columns * rows);
    const hz = (row) => LOWEST_HZ * (rate / 2 / LOWEST_HZ) ** (1 - row / rows);
    for (let row = 0; row < rows; row++) {
      // Between two bins where rows are finer than bins, else the loudest of the row's bins.
      const lowest = (hz(row + 1) / (rate / 2)) * (bins - 1), highest = (hz(row) / (rate / 2)) * (bins - 1);
      const fine = highest - lowest < 1, from = fine ? Math.floor(lowest) : Math.round(lowest);
      for (let column = 0; column < columns; column++) {
        const at = column * bins;
        let power = 0;
        if (fine) {
          power = powers[at + from] + (powers[at + from + 1] - powers[at + from]) * (lowest - from);
        } else {
          for (let bin = from; bin < highest; bin++) { power = Math.max(power, powers[at + bin]); }
        }
        const db = 10 * Math.log10(power / loudest + 1e-12);
        shades[row * columns + column] = 255 * (1 + db / RANGE_DB);
      }
    }
    listening.paint(canvas, shades, columns, rows);
  };

  /** Shades of the spectrum's colours, row by row from the top, over a part of the canvas's width. */
  listening.paint = function (canvas, shades, columns, rows, part = 1) {
    const { context, width, height } = listening.blank(canvas);
    if (!columns || !rows) { return; }
    const colours = ramp(listening.colour("spectrum"));
    const image = new ImageData(columns, rows);
    shades.forEach((shade, i) => {
      for (let c = 0; c < 3; c++) { image.data[4 * i + c] = colours[3 * shade + c]; }
      image.data[4 * i + 3] = 255;
    });
    const small = new OffscreenCanvas(columns, rows);
    small.getContext("2d").putImageData(image, 0, 0);
    context.drawImage(small, 0, 0, width * part, height);
  };

  listening.shownDb = RANGE_DB;

  class Timeline {
    /** Adds place and loop to the element that holds the pictures. */
    constructor(element, engine) {
      this.element = element;
      this.engine = engine;
      this.region = element.appendChild(document.createElement("div"));
      this.region.className = "region";
      this.head = element.appendChild(document.createElement("div"));
      this.head.className = "head";
      element.tabIndex = 0;
      element.setAttribute("role", "slider");
      element.setAttribute("aria-label", "Place in the music");
      element.setAttribute("aria-valuemin", "0");
      element.addEventListener("pointerdown", (event) => this.#press(event));
      element.addEventListener("keydown", (event) => this.#key(event));
      engine.addEventListener("change", () => this.update());
    }

    /** Show where we are; called as often as it is to move. */
    update() {
      const { engine } = this, at = engine.position(), seconds = at / engine.rate;
      if (!engine.samples) { return; }
      this.head.style.transform = `translateX(${(at / engine.samples) * this.element.clientWidth}px)`;
      this.region.hidden = !engine.loops();
      this.region.style.left = (engine.loop[0] / engine.samples) * 100 + "%";
      this.region.style.right = (1 - engine.loop[1] / engine.samples) * 100 + "%";
      const shown = seconds.toFixed(engine.playing ? 0 : 1);
      if (this.element.getAttribute("aria-valuenow") !== shown) {
        this.element.setAttribute("aria-valuemax", (engine.samples / engine.rate).toFixed(1));
        this.element.setAttribute("aria-valuenow", shown);
        this.element.setAttribute("aria-valuetext", shown + " seconds");
      }
    }

    #press(event) {
      if (event.button !== 0 || !this.engine.samples) { return; }
      const { left, width } = this.element.getBoundingClientRect();
      const sample = (x) => Math.min(1, Math.max(0, (x - left) / width)) * this.engine.samples;
      const dragged = (to) => Math.abs(to.clientX - event.clientX) >= DRAG_PIXELS;
      const move = (to) => {
        if (!dragged(to)) { return; }
        this.region.hidden = false;
        this.region.style.left = (sample(Math.min(event.clientX, to.clientX)) / this.engine.samples) * 100 + "%";
        this.region.style.right = (1 - sample(Math.max(event.clientX, to.clientX)) / this.engine.samples) * 100 + "%";
      };
      const end = (to) => {
        this.element.removeEventListener("pointermove", move);
        if (to.type === "pointerup" && dragged(to)) {
          const ends = [sample(event.clientX), sample(to.clientX)].sort((a, b) => a - b);
          this.engine.setLoop(...ends);
        } else if (to.type === "pointerup") {
          const inside = sample(to.clientX) >= this.engine.loop[0] && sample(to.clientX) < this.engine.loop[1];
          if (!inside) { this.engine.setLoop(); }
          this.engine.seek(sample(to.clientX));
        }
        this.update();
      };
      this.element.setPointerCapture(event.pointerId);
      this.element.addEventListener("pointermove", move);
      this.element.addEventListener("pointerup", end, { once: true });
      this.element.addEventListener("pointercancel", end, { once: true });
    }

    #key(event) {
      const { engine } = this, second = engine.rate;
      const moves = {
        ArrowLeft: -0.5 * second, ArrowDown: -0.5 * second, ArrowRight: 0.5 * second, ArrowUp: 0.5 * second,
        PageDown: -2 * second, PageUp: 2 * second, Home: -Infinity, End: Infinity,
      };
      if (event.key in moves && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        event.stopPropagation();
        const [first, last] = engine.loop;
        engine.seek(Math.min(last - 1, Math.max(first, engine.position() + moves[event.key])));
      }
    }
  }

  listening.Timeline = Timeline;
})();
