"use strict";
// The view in which everything has its name: versions, pictures, meters.
(function () {
  const find = (id) => document.getElementById(id);
  const GROUPS = { input: "Input", recording: "Recording", network: "Network", default: "Default model", classical: "Classical methods", tool: "Other programs" };
  /** @type {[string, number][]} */
  const COLUMNS = [["log_mel_db", 1], ["coherence_1024", 2], ["coherence_4096", 2], ["level_db", 1]];
  const PICTURE_COLUMNS = 700;
  const KEPT_PICTURES = 40;

  class Compare {
    constructor(engine, open) {
      this.engine = engine;
      this.open = open; // loads an excerpt into the engine
      this.picture = "side";
      this.spectra = new Map();
      this.excerpt = null;
      this.timeline = new listening.Timeline(find("timeline"), engine);
      this.meters = new listening.Meters(engine);
      for (const excerpt of listening.data.excerpts) {
        find("excerpt").add(new Option(`${excerpt.track}, from ${excerpt.startSeconds.toFixed(1)} s`, excerpt.key));
      }
      this.#table();
      const last = listening.data.stimuli.filter((one) => one.group === "network").at(-1);
      this.key = this.before = (last || listening.data.stimuli[0]).key;

      find("excerpt").addEventListener("change", () => this.choose(find("excerpt").selectedIndex));
      find("fold-down").addEventListener("click", () => engine.setFoldedDown(!engine.foldedDown));
      find("width").addEventListener("input", () => engine.setWidth(find("width").value / 100));
      find("width-reset").addEventListener("click", () => engine.setWidth(1));
      find("loop-clear").addEventListener("click", () => engine.setLoop());
      document.querySelectorAll("input[name=picture]").forEach((radio) => {
        radio.addEventListener("change", () => { this.picture = radio.value; this.draw(); });
      });
      engine.addEventListener("change", () => { if (!find("compare").hidden) { this.#reflect(); } });
      new ResizeObserver(() => this.draw()).observe(find("timeline"));
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    }

    /** Show the view, on the excerpt shown before. */
    async show() { await this.choose(Math.max(0, find("excerpt").selectedIndex)); }

    async choose(index) {
      const excerpts = listening.data.excerpts;
      index = Math.min(Math.max(index, 0), excerpts.length - 1);
      find("excerpt").selectedIndex = index;
      if (await this.open(excerpts[index])) {
        this.excerpt = excerpts[index];
        this.spectra.clear();
        this.#numbers();
        if (this.excerpt.stimuli[this.key].reason) { this.key = "mono"; }
        this.select(this.key);
      } else if (this.excerpt && find("excerpt").selectedIndex === index) {
        find("excerpt").selectedIndex = excerpts.indexOf(this.excerpt); // it could not be loaded
      }
    }

    select(key) {
      const stimulus = this.excerpt?.stimuli[key];
      if (!stimulus || stimulus.reason) { return; }
      if (key !== this.key) { [this.before, this.key] = [this.key, key]; }
      const radio = find("version-" + key);
      radio.checked = true;
      const row = radio.closest("tr"), list = row.closest(".scroll"); // the list scrolls, the page stays
      const above = row.offsetTop - 2 * row.offsetHeight, below = row.offsetTop + row.offsetHeight - list.clientHeight;
      list.scrollTop = Math.max(below, Math.min(above, list.scrollTop));
      if (document.activeElement?.matches("[name=version]")) { radio.focus(); } else { listening.say(listening.nameOf(key)); }
      this.engine.select(stimulus);
    }

    /** The version so many places on among those that can be heard. */
    selectNext(places) {
      const keys = this.#heard();
      this.select(keys[(keys.indexOf(this.key) + places + keys.length) % keys.length]);
    }

    /** What a key does here; whether it does anything. */
    act(name) {
      const { engine } = this;
      if (!this.excerpt) { return false; }
      const numbered = listening.data.stimuli.filter((one) => !["input", "recording"].includes(one.group));
      const actions = {
        ArrowUp: () => this.selectNext(-1),
        ArrowDown: () => this.selectNext(1),
        m: () => this.select("mono"),
        o: () => this.select("original"),
        x: () => this.select(this.before),
        d: () => engine.setFoldedDown(!engine.foldedDown),
        "[": () => engine.setWidth(Math.max(0, Math.round(engine.width * 20 - 1) / 20)),
        "]": () => engine.setWidth(Math.min(2, Math.round(engine.width * 20 + 1) / 20)),
        "=": () => engine.setWidth(1),
        i: () => engine.setLoop(engine.position(), engine.loop[1]),
        e: () => engine.setLoop(engine.loop[0], engine.position()),
        l: () => engine.setLoop(),
        ",": () => this.choose(find("excerpt").selectedIndex - 1),
        ".": () => this.choose(find("excerpt").selectedIndex + 1),
      };
      const digit = /^[1-9]$/.test(name) && numbered[name - 1];
      if (digit) { this.select(digit.key); } else if (name in actions) { actions[name](); } else { return false; }
      return true;
    }

    frame(now, calm) {
      this.timeline.update();
      this.meters.update(now, calm);
    }

    draw() {
      const { engine } = this;
      if (!engine.stimulus || find("compare").hidden) { return; }
      const lanes = [[engine.channel("mid"), "mid"], [engine.channel("side"), "side"]];
      listening.drawWaveforms(find("waveform"), lanes, engine.rate);
      listening.drawAxis(find("axis"), find("waveform"), ["mid", "side"], engine.rate);
      this.loudest ||= this.#powers("mid").reduce((most, power) => Math.max(most, power), 1e-12);
      const powers = this.#powers(this.picture);
      listening.drawSpectrogram(find("spectrogram"), powers, this.loudest, engine.rate);
      find("spectrogram").setAttribute("aria-label", `Spectrogram of the ${this.picture}`);
    }

    #heard() {
      return listening.data.stimuli.map((one) => one.key).filter((key) => !this.excerpt.stimuli[key].reason);
    }

    #powers(which) {
      const width = which === "mid" ? 1 : this.engine.heardWidth();
      const source = which === "mid" ? this.engine.stimulus.mid : this.key;
      const name = `${source} ${which} ${width}`;
      if (!this.spectra.has(name)) {
        if (this.spectra.size >= KEPT_PICTURES) { this.spectra.delete(this.spectra.keys().next().value); }
        this.spectra.set(name, listening.spectra.powers(this.engine.channel(which), PICTURE_COLUMNS));
      }
      return this.spectra.get(name);
    }

    #table() {
      const table = document.querySelector(".versions table");
      let number = 0, body = null, group = null;
      for (const one of listening.data.stimuli) {
        if (one.group !== group) {
          group = one.group;
          body = table.appendChild(document.createElement("tbody"));
          const title = body.insertRow().appendChild(document.createElement("th"));
          Object.assign(title, { scope: "rowgroup", colSpan: 1 + COLUMNS.length, textContent: GROUPS[group] });
        }
        const row = body.insertRow();
        const name = row.appendChild(document.createElement("th"));
        name.scope = "row";
        const label = name.appendChild(document.createElement("label"));
        const radio = label.appendChild(document.createElement("input"));
        Object.assign(radio, { type: "radio", name: "version", id: "version-" + one.key, value: one.key });
        label.append(" " + listening.nameOf(one.key));
        const key = { mono: "m", original: "o" }[one.key] || (++number < 10 ? String(number) : "");
        if (key) {
          const hint = label.appendChild(document.createElement("kbd"));
          Object.assign(hint, { textContent: key, ariaHidden: "true" });
        }
        row.dataset.key = one.key;
        radio.addEventListener("change", () => this.select(one.key));
        row.addEventListener("click", (event) => { if (!event.target.closest("label")) { this.select(one.key); } });
      }
    }

    #numbers() {
      this.loudest = 0;
      for (const row of document.querySelectorAll(".versions tr[data-key]")) {
        const { measures, reason } = this.excerpt.stimuli[row.dataset.key];
        row.querySelector("input").disabled = Boolean(reason);
        row.classList.toggle("left-out", Boolean(reason));
        while (row.cells.length > 1) { row.deleteCell(-1); }
        if (reason) {
          Object.assign(row.insertCell(), { colSpan: COLUMNS.length, textContent: reason });
          continue;
        }
        for (const [name, digits] of COLUMNS) {
          const value = measures[name];
          const known = typeof value === "number", rounded = known && (Number(value.toFixed(digits)) || 0); // no −0.0
          row.insertCell().textContent = known ? rounded.toFixed(digits).replace("-", "−") : "–";
        }
      }
    }

    #reflect() {
      const { engine } = this, percent = Math.round(engine.width * 100);
      find("fold-down").setAttribute("aria-pressed", String(engine.foldedDown));
      find("width").value = percent;
      find("width").setAttribute("aria-valuetext", percent + " %");
      find("width-value").textContent = percent + " %";
      find("width-reset").disabled = percent === 100;
      find("loop").hidden = !engine.loops();
      find("loop-name").textContent = "Loop " + engine.loop.map((at) => (at / engine.rate).toFixed(2)).join("–") + " s";
      const shown = [this.excerpt?.key, this.key, engine.heardWidth()].join(" ");
      if (engine.stimulus && shown !== this.shown) {
        this.shown = shown;
        cancelAnimationFrame(this.drawing);
        this.drawing = requestAnimationFrame(() => this.draw());
      }
    }
  }

  listening.Compare = Compare;
})();
