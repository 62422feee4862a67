"use strict";
// What is shown and touched: settings, transport, pictures.
(function () {
  /** @returns {any} */
  const find = (id) => document.getElementById(id);
  const COLUMNS = 1000;
  const REDRAWN_MILLISECONDS = 400;
  const SUB_ROWS = 2; // the shades' floor: dB below the loudest that is shown

  class Settings {
    constructor(state, form) {
      this.state = state;
      const { texts } = listening;
      const by = Object.fromEntries(form.map((option) => [option.name, option]));
      for (const [id, name] of [["width", "width"], ["mono-below", "mono-below"], ["highband", "highband"], ["model-field", "model"]]) {
        (find(id).closest("label") || find(id)).title = by[name].help;
      }
      find("curve").title = by["width-curve"].help;
      const names = ["", ...by.method.choices];
      this.methods = names;
      names.forEach((name, i) => {
        const label = find("methods").appendChild(document.createElement("label"));
        const radio = label.appendChild(document.createElement("input"));
        Object.assign(radio, { type: "radio", name: "method", value: name, id: `method-${name || "network"}` });
        label.append(" " + (name ? name.replaceAll("_", " ") : texts.network));
        if (i < 9) { Object.assign(label.appendChild(document.createElement("kbd")), { textContent: String(i + 1), ariaHidden: "true" }); }
        radio.addEventListener("change", () => this.choose(name));
      });
      for (const id of ["width", "mono-below"]) {
        for (const input of [find(id), find(`${id}-number`)]) {
          input.addEventListener("input", () => {
            if (input.validity.valid && input.value !== "") { state.set({ [id]: Number(input.value) || null }); }
          });
        }
      }
      find("highband").addEventListener("change", () => state.set({ highband: find("highband").checked ? null : "off" }));
      find("model").addEventListener("change", () => state.set({ model: find("model").value.trim() || null, method: null }));
      this.curve = new listening.Curve(find("curve-canvas"), (text) => state.set({ "width-curve": text }));
      find("points").addEventListener("change", () => state.set({ "width-curve": find("points").value.trim() }));
      for (const radio of document.querySelectorAll("input[name=curve]")) {
        radio.addEventListener("change", () => {
          const value = /** @type {HTMLInputElement} */ (radio).value;
          state.set({ "width-curve": value === "natural" ? null : value === "flat" ? value : this.drawn || "100:-20,1000:-8,8000:-10" });
        });
      }
      for (const slot of ["A", "B"]) { find(`slot-${slot}`).addEventListener("click", () => state.activate(slot)); }
      find("copy-slot").addEventListener("click", () => state.copy());
      find("undo").addEventListener("click", () => state.undo());
      find("redo").addEventListener("click", () => state.redo());
      state.addEventListener("change", () => this.reflect());
      this.reflect();
    }

    choose(name) { this.state.set({ method: name || null, model: null }); }

    /** The method so many places on. */
    step(places) {
      const { methods } = this, at = methods.indexOf(this.state.settings.method || "");
      this.choose(methods[(at + places + methods.length) % methods.length]);
    }

    widen(db) { this.state.set({ width: Math.round(2 * ((this.state.settings.width || 0) + db)) / 2 || null }); }

    reflect() {
      const { state } = this, { settings } = state;
      const radio = find(`method-${settings.method || "network"}`);
      if (radio) {
        radio.checked = true;
        const list = find("methods"), row = radio.parentElement; // the list scrolls, the page stays
        list.scrollTop = Math.max(row.offsetTop + row.offsetHeight - list.clientHeight, Math.min(row.offsetTop, list.scrollTop));
        if (document.activeElement?.matches("input[name=method]")) { radio.focus(); }
      }
      for (const [id, value] of [["width", settings.width || 0], ["mono-below", settings["mono-below"] || 0]]) {
        for (const input of [find(id), find(`${id}-number`)]) { if (Number(input.value) !== value) { input.value = value; } }
      }
      if (document.activeElement !== find("model")) { find("model").value = settings.model || ""; }
      for (const element of document.querySelectorAll("[data-width]")) {
        /** @type {any} */ (element).inert = state.fixed.includes(settings.method);
      }
      find("highband").checked = settings.highband !== "off";
      const curve = settings["width-curve"] || "natural", own = curve !== "natural" && curve !== "flat";
      document.querySelector(`input[name=curve][value=${own ? "own" : curve}]`).checked = true;
      find("own").hidden = !own;
      if (own) {
        this.drawn = curve;
        find("points").value = curve;
        this.curve.show(curve);
      }
      for (const slot of ["A", "B"]) { find(`slot-${slot}`).setAttribute("aria-pressed", String(state.active === slot)); }
      find("undo").disabled = !state.past.length;
      find("redo").disabled = !state.future.length;
    }
  }

  class Pictures {
    constructor(player, facts) {
      this.player = player;
      this.row = 8 + facts.bands;
      this.bands = facts.bands;
      this.shown = "mid";
      this.timeline = new listening.Timeline(find("timeline"), player.engine);
      for (const radio of document.querySelectorAll("input[name=picture]")) {
        radio.addEventListener("change", () => { this.shown = /** @type {HTMLInputElement} */ (radio).value; this.draw(); });
      }
      player.addEventListener("progress", () => this.#soon());
      player.addEventListener("recording", () => this.#soon());
      player.addEventListener("heard", () => this.#soon());
      player.state.addEventListener("change", () => this.#soon());
      new ResizeObserver(() => this.draw()).observe(find("timeline"));
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    }

    #soon() { this.drawing ||= setTimeout(() => this.load(), REDRAWN_MILLISECONDS); }

    async load() {
      const { player } = this, chain = player.chains.get(listening.chainKey(player.settings));
      const voices = ["mid", ...(chain ? [chain.voice] : [])], { samples } = player.engine;
      try {
        this.columns = await Promise.all(voices.map(async (voice) =>
          this.#columns(await player.link.bytes(`picture/${voice}?first=0&last=${samples}&columns=${COLUMNS}`), voice)));
      } catch { /* shown as soon as it is there */ }
      this.drawing = 0;
      this.draw();
    }

    #columns(bytes, voice) {
      const count = Math.floor(bytes.byteLength / this.row), view = new DataView(bytes);
      const lows = new Float32Array(count), highs = new Float32Array(count), shades = new Uint8Array(count * this.bands);
      for (let i = 0; i < count; i++) {
        lows[i] = view.getFloat32(i * this.row, true);
        highs[i] = view.getFloat32(i * this.row + 4, true);
        shades.set(new Uint8Array(bytes, i * this.row + 8, this.bands), i * this.bands);
      }
      const part = Math.min(1, (this.player.progress.get(voice) || 0) / this.player.engine.samples);
      return { lows, highs, shades, part, count };
    }

    draw() {
      const [mid, side] = this.columns || [], { engine, settings } = this.player;
      if (!mid || !engine.samples) { return; }
      const factor = 10 ** ((settings.width || 0) / 20), loud = (values) => values.map((value) => value * factor);
      const lanes = [{ ...mid, colour: "mid" }];
      if (side) { lanes.push({ ...side, lows: loud(side.lows), highs: loud(side.highs), colour: "side" }); }
      listening.drawExtremes(find("waveform"), lanes, engine.samples / engine.rate);
      listening.drawAxis(find("axis"), find("waveform"), side ? [listening.texts.mid, listening.texts.sideLane] : [listening.texts.mid], engine.rate);
      const shown = this.shown === "side" && side ? side : mid;
      const loudest = mid.shades.reduce((most, shade) => Math.max(most, shade), 1);
      const { bands } = this, turned = new Uint8ClampedArray(shown.count * bands);
      for (let column = 0; column < shown.count; column++) {
        for (let band = 0; band < bands; band++) {
          const below = (loudest - shown.shades[column * bands + band]) / SUB_ROWS; // dB
          turned[(bands - 1 - band) * shown.count + column] = 255 * (1 - below / listening.shownDb);
        }
      }
      listening.paint(find("spectrogram"), turned, shown.count, bands, shown.part);
    }
  }

  Object.assign(listening, { Settings, Pictures, find });
})();
