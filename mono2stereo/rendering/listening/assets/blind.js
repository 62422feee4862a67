"use strict";
// The blind test: set up, left/right check, a passage after the other, results.
(function () {
  const find = (id) => document.getElementById(id);
  const MOST_VERSIONS = 12; // of one passage; more tire
  const LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const SCALES = { quality: "Quality", width: "Width" };

  function shuffled(list) {
    const made = [...list];
    for (let i = made.length - 1; i > 0; i--) {
      const [random] = crypto.getRandomValues(new Uint32Array(1));
      const j = Math.floor((random / 2 ** 32) * (i + 1));
      [made[i], made[j]] = [made[j], made[i]];
    }
    return made;
  }

  /** Three bursts of noise, as loud as the music, on one channel. */
  function noise(context, channel, loudnessLufs) {
    const rate = context.sampleRate;
    const buffer = new AudioBuffer({ length: Math.round(1.5 * rate), numberOfChannels: 2, sampleRate: rate });
    const samples = buffer.getChannelData(channel);
    const level = 10 ** ((loudnessLufs + 3) / 20);
    let smooth = 0;
    for (let i = 0; i < samples.length; i++) {
      const within = (i / rate) % 0.5;
      const gate = within < 0.3 ? Math.sin((Math.PI * within) / 0.3) ** 0.5 : 0;
      smooth = 0.85 * smooth + 0.527 * (Math.random() * 2 - 1) * Math.sqrt(3); // low-pass, of power 1
      samples[i] = gate * level * smooth;
    }
    return buffer;
  }

  class Blind {
    constructor(engine, open) {
      this.engine = engine;
      this.open = open;
      this.timeline = new listening.Timeline(find("trial-timeline"), engine);
      this.stage = "setup";
      this.#choices();
      // No form: a page in a sandbox may not submit one.
      find("begin").addEventListener("click", () => this.#begin());
      find("listener").addEventListener("keydown", (event) => { if (event.key === "Enter") { find("begin").click(); } });
      find("check-play").addEventListener("click", () => this.#sound());
      for (const button of document.querySelectorAll("[data-answer]")) {
        button.addEventListener("click", () => this.#answer(button.dataset.answer));
      }
      find("trial-loop-clear").addEventListener("click", () => engine.setLoop());
      find("trial-next").addEventListener("click", () => this.#next());
      find("remarks").addEventListener("input", () => {
        this.test.remarks = find("remarks").value;
        find("results").value = listening.results.json(this.test);
      });
      const { json, csv, save, copy, fileName } = listening.results;
      const saved = (text) => { find("saved").textContent = text; this.unsaved = false; };
      find("save-json").addEventListener("click", () => {
        save(json(this.test), fileName(this.test) + ".json", "application/json");
        saved("Saved to your downloads, if this page may.");
      });
      find("save-csv").addEventListener("click", () => {
        save(csv(this.test), fileName(this.test) + ".csv", "text/csv");
        saved("Saved to your downloads, if this page may.");
      });
      find("copy").addEventListener("click", async () => {
        saved((await copy(find("results"))) ? "Copied." : "Not allowed here: select the text below and copy it.");
      });
      find("again").addEventListener("click", () => { find("listener").value = ""; this.#go("setup"); });
      window.addEventListener("beforeunload", (event) => { if (this.unsaved) { event.preventDefault(); } });
      engine.addEventListener("change", () => {
        if (this.stage === "trial" && engine.playing && !find("blind").hidden) { this.trial.versions[this.heard].heard = true; }
      });
      new ResizeObserver(() => this.#draw()).observe(find("trial-timeline"));
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
    }

    /** Show the view where it was left. */
    async show() {
      this.#go(this.stage, false);
      if (this.stage === "trial" && (await this.open(this.trial.excerpt))) { this.#hear(this.heard); }
    }

    frame() { if (this.stage === "trial") { this.timeline.update(); } }

    /** What a key does here; whether it does anything. */
    act(name) {
      if (this.stage === "check") {
        const answer = { l: "left", r: "right", b: "both" }[name];
        if (answer && !document.querySelector("[data-answer]").disabled) { this.#answer(answer); }
        if (name === " ") { this.#sound(); }
        return Boolean(answer) || name === " ";
      }
      if (this.stage !== "trial") { return name === " "; }
      const place = LABELS.indexOf(name.toUpperCase());
      if (name.length !== 1 || place < 0 || place >= this.trial.versions.length) { return false; }
      this.#hear(place);
      return true;
    }

    #go(stage, focus = true) {
      this.stage = stage;
      for (const section of document.querySelectorAll("[data-stage]")) { section.hidden = section.dataset.stage !== stage; }
      if (focus) {
        window.scrollTo(0, 0);
        document.querySelector(`[data-stage=${stage}] h2`).focus();
      }
    }

    #choices() {
      const { excerpts } = listening.data;
      const stimuli = listening.data.stimuli.filter((one) => excerpts.some((excerpt) => !excerpt.stimuli[one.key].reason));
      const steps = stimuli.filter((one) => one.group === "network");
      const proposed = stimuli.filter((one) => one.group !== "network" || one === steps.at(-1)).slice(0, MOST_VERSIONS);
      const add = (to, value, name, checked) => {
        const label = to.appendChild(document.createElement("label"));
        const box = label.appendChild(document.createElement("input"));
        Object.assign(box, { type: "checkbox", value, checked });
        box.addEventListener("change", () => this.#countChoices());
        label.append(" " + name);
      };
      for (const one of stimuli) { add(find("chosen-versions"), one.key, listening.nameOf(one.key), proposed.includes(one)); }
      excerpts.forEach((one) => add(find("chosen-excerpts"), one.key, one.track, true));
      this.#countChoices();
    }

    #chosen(what) { return [...document.querySelectorAll(`#chosen-${what} :checked`)].map((box) => box.value); }

    #countChoices() {
      const versions = this.#chosen("versions").length, excerpts = this.#chosen("excerpts").length;
      find("chosen").textContent = `${versions} versions of ${excerpts} ${excerpts === 1 ? "excerpt" : "excerpts"}`;
      const remark = versions < 2 || excerpts < 1 ? "Choose two versions and one excerpt at least."
        : versions > MOST_VERSIONS ? `More than ${MOST_VERSIONS} versions at a time tire; the ratings suffer.` : "";
      find("setup-remark").textContent = remark;
      find("begin").disabled = versions < 2 || excerpts < 1;
    }

    #begin() {
      this.test = {
        page: listening.data.id,
        session: [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
        listener: find("listener").value.trim(),
        playback: find("playback").value,
        started: new Date().toISOString(),
        finished: "",
        check_attempts: 0,
        remarks: "",
        ratings: [],
      };
      find("remarks").value = "";
      const versions = this.#chosen("versions");
      this.passages = shuffled(this.#chosen("excerpts").map((key) => listening.data.excerpts.find((one) => one.key === key)));
      this.passages = this.passages.map((excerpt) => ({
        excerpt,
        versions: shuffled(versions.filter((key) => !excerpt.stimuli[key].reason))
          .map((key) => ({ key, heard: false, quality: null, width: null })),
      }));
      this.unsaved = true;
      this.#startCheck("");
    }

    #startCheck(verdict) {
      this.test.check_attempts += 1;
      this.sides = shuffled(["left", "left", "right", "right"]);
      this.answers = [];
      find("check-verdict").textContent = verdict;
      this.#showCheck();
      this.#go("check");
    }

    #showCheck() {
      find("check-progress").textContent = `${this.answers.length + 1} of ${this.sides.length}. Play it, then answer; ` +
        "keys: Space to play, l, b, r.";
      for (const button of document.querySelectorAll("[data-answer]")) { button.disabled = true; }
    }

    async #sound() {
      const { context } = this.engine;
      await context.resume();
      const channel = this.sides[this.answers.length] === "left" ? 0 : 1;
      const source = new AudioBufferSourceNode(context, { buffer: noise(context, channel, listening.data.loudnessLufs) });
      this.noise?.stop();
      this.noise = source;
      source.connect(context.destination);
      source.start();
      for (const button of document.querySelectorAll("[data-answer]")) { button.disabled = false; }
    }

    #answer(side) {
      this.noise.stop();
      this.answers.push(side);
      if (this.answers.length < this.sides.length) {
        find("check-verdict").textContent = "";
        this.#showCheck();
        find("check-play").focus();
        return;
      }
      const right = this.answers.filter((answer, i) => answer === this.sides[i]).length;
      if (right === this.sides.length) {
        this.#trial(0);
      } else if (this.answers.every((answer) => answer === "both")) {
        this.#startCheck("Your device plays left and right on both sides: turn mono audio off, or use headphones. Then again.");
      } else if (right === 0 && !this.answers.includes("both")) {
        this.#startCheck("Left and right are swapped: turn the headphones around, or swap the loudspeakers. Then again.");
      } else {
        this.#startCheck(`${right} of ${this.sides.length} were right. Check cables and volume. Then again.`);
      }
    }

    async #trial(number) {
      this.number = number;
      this.trial = this.passages[number];
      const { versions } = this.trial;
      find("trial-name").textContent = `Passage ${number + 1} of ${this.passages.length}`;
      find("trial-next").textContent = number + 1 < this.passages.length ? "Next passage" : "To the results";
      find("trial-remark").textContent = "";
      find("ratings").replaceChildren(...versions.map((version, place) => this.#row(version, place)));
      this.heard = 0;
      this.#go("trial");
      if (await this.open(this.trial.excerpt)) {
        this.engine.seek(0);
        this.#hear(0);
        this.#draw();
      }
    }

    #row(version, place) {
      const row = document.createElement("div");
      row.className = "version";
      row.setAttribute("role", "group");
      row.setAttribute("aria-label", "Version " + LABELS[place]);
      const button = row.appendChild(document.createElement("button"));
      Object.assign(button, { type: "button", className: "letter", textContent: LABELS[place] });
      button.setAttribute("aria-label", "Hear version " + LABELS[place]);
      button.addEventListener("click", () => {
        this.#hear(place);
        if (!this.engine.playing) { this.engine.toggle(); }
      });
      for (const [scale, name] of Object.entries(SCALES)) {
        const cell = row.appendChild(document.createElement("label"));
        cell.className = scale;
        const range = cell.appendChild(document.createElement("input"));
        Object.assign(range, { type: "range", min: 0, max: 100, step: 1, value: 50, className: "unset" });
        range.setAttribute("aria-label", `${name} of version ${LABELS[place]}`);
        range.setAttribute("aria-valuetext", "not rated");
        const value = cell.appendChild(document.createElement("span"));
        Object.assign(value, { textContent: "–", ariaHidden: "true" });
        const rate = () => {
          version[scale] = Number(range.value);
          range.classList.remove("unset");
          range.setAttribute("aria-valuetext", range.value);
          value.textContent = range.value;
          find("trial-remark").textContent = "";
        };
        range.addEventListener("input", rate);
        range.addEventListener("pointerup", rate); // also where it stood is a rating
        range.addEventListener("keydown", (event) => { if (event.key === "Enter") { rate(); } });
        range.addEventListener("focus", () => this.#hear(place));
      }
      return row;
    }

    #hear(place) {
      this.heard = place;
      const version = this.trial.versions[place];
      this.engine.select(this.trial.excerpt.stimuli[version.key]);
      listening.say("Version " + LABELS[place]);
      [...find("ratings").children].forEach((row, i) => {
        row.classList.toggle("sounding", i === place);
        row.querySelector("button").setAttribute("aria-pressed", String(i === place));
      });
    }

    #draw() {
      if (this.stage !== "trial" || !this.engine.stimulus || find("blind").hidden) { return; }
      // The passage's mid, whichever version sounds.
      const mid = this.engine.voices.get("mid").buffer.getChannelData(0);
      listening.drawWaveforms(find("trial-waveform"), [[mid, "mid"]], this.engine.rate);
    }

    #next() {
      const { versions, excerpt } = this.trial;
      const letters = (lacks) => versions.flatMap((version, i) => (lacks(version) ? [LABELS[i]] : [])).join(", ");
      const unheard = letters((version) => !version.heard);
      const unrated = letters((version) => version.quality === null || version.width === null);
      if (unheard || unrated) {
        find("trial-remark").textContent = (unheard ? `Not heard yet: ${unheard}. ` : "") +
          (unrated ? `Not rated on both scales yet: ${unrated}.` : "");
        return;
      }
      versions.forEach(({ key, quality, width }, i) => this.test.ratings.push({
        passage: this.number + 1, excerpt: excerpt.key, track: excerpt.track, label: LABELS[i], stimulus: key, quality, width,
      }));
      this.engine.pause();
      if (this.number + 1 < this.passages.length) {
        this.#trial(this.number + 1);
      } else {
        this.test.finished = new Date().toISOString();
        find("results").value = listening.results.json(this.test);
        find("saved").textContent = "";
        this.#go("done");
      }
    }
  }

  listening.Blind = Blind;
})();
