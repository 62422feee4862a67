"use strict";
// Puts the studio together once the server has said what there is.
(function () {
  const { find, texts } = listening;
  const STILL_MILLISECONDS = 500; // between pictures where motion is not wanted
  const calmly = matchMedia("(prefers-reduced-motion: reduce)");

  function complain(text) {
    find("problem").textContent = text;
    find("problem").hidden = !text;
  }

  function start(link, facts) {
    const widths = facts.form.filter((option) => option.group === "width").map((option) => option.name);
    const state = new listening.State(facts.kept.last || {}, widths, facts.fixed);
    const player = new listening.Player(link, state, facts), { engine } = player;
    const settings = new listening.Settings(state, facts.form);
    const pictures = new listening.Pictures(player, facts);
    const meters = new listening.Meters(engine);
    const saving = new listening.Saving(link, state, player, facts.form);
    new listening.Batch(link, state);
    new listening.Presets(link, state, facts.kept);
    const blind = new Blind(player, state);
    Object.assign(listening, { player, state }); // for tests, and the curious
    for (const name of facts.named) { find("named").add(new Option(name)); }
    find("named").hidden = facts.named.length < 2;
    const named = (index) => open(() => link.call("named", { index, settings: {} }));
    find("named").addEventListener("change", () => named(find("named").selectedIndex));

    async function open(how) {
      complain("");
      find("state").textContent = "";
      try { await how(); } catch (error) { complain(error.message); }
    }
    const take = (file) => open(() => link.upload(file, (part) => { find("state").textContent = texts.uploading(Math.round(100 * part)); }));
    find("open").addEventListener("click", () => find("file").click());
    find("file").addEventListener("change", () => { if (find("file").files[0]) { take(find("file").files[0]); } });
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      const [file] = event.dataTransfer.files;
      if (file) { take(file); }
    });
    if (facts.named.length) { named(0); }

    const monitor = (name) => {
      engine.setMonitor(name === "mono" ? "stereo" : name);
      engine.setFoldedDown(name === "mono");
      /** @type {any} */ (document.querySelector(`input[name=monitor][value=${name}]`)).checked = true;
    };
    const bypass = () => {
      player.setBypass(!player.bypassed);
      find("bypass").setAttribute("aria-pressed", String(player.bypassed));
    };
    find("play").addEventListener("click", () => engine.toggle());
    find("bypass").addEventListener("click", bypass);
    find("equal-label").title = texts.equalHelp;
    find("equal").addEventListener("change", () => player.setEqual(find("equal").checked));
    find("loop-clear").addEventListener("click", () => engine.setLoop());
    find("monitor").addEventListener("change", (event) => monitor(event.target.value));
    engine.addEventListener("change", () => {
      document.body.classList.toggle("playing", engine.playing);
      find("play-name").textContent = engine.playing ? texts.pause : texts.play;
      find("loop").hidden = !engine.loops();
      find("loop-name").textContent = texts.loop(...engine.loop.map((at) => (at / engine.rate).toFixed(2)));
    });
    player.addEventListener("problem", (event) => complain(event.detail));
    player.addEventListener("recording", () => {
      find("name").textContent = player.name;
      find("facts").textContent = `${player.kind}, ${engine.rate} Hz`;
      find("drop").hidden = true;
      document.title = `${player.name} – mono2stereo studio`;
    });
    player.addEventListener("measuring", () => find("loudness").classList.add("old"));
    player.addEventListener("measured", () => showMeasured(player));
    find("show-measures").addEventListener("click", () => find("measures").showModal());
    find("show-keys").addEventListener("click", () => find("keys").showModal());
    for (const close of document.querySelectorAll("[data-close]")) { close.addEventListener("click", () => close.closest("dialog").close()); }
    for (const [keys, what] of texts.keyNames) {
      const term = find("key-list").appendChild(document.createElement("dt"));
      for (const key of keys.split(" ")) { term.append(key === "…" ? "… " : Object.assign(document.createElement("kbd"), { textContent: key }), " "); }
      find("key-list").appendChild(document.createElement("dd")).textContent = what;
    }

    document.addEventListener("keydown", (event) => {
      const { target, key } = /** @type {{target: any, key: string}} */ (event);
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) { return; }
      if (!find("keys-on").checked || target.matches("select, textarea, input[type=text], input[type=number]")) { return; }
      if (key === " " && target.matches("button, summary, input[type=checkbox], a")) { return; }
      if (key.startsWith("Arrow") && target.matches("input[type=range], input[type=radio]:not([name=method])")) { return; }
      const actions = {
        " ": () => engine.toggle(),
        ArrowLeft: () => engine.seek(engine.position() - engine.rate),
        ArrowRight: () => engine.seek(engine.position() + engine.rate),
        ArrowUp: () => settings.step(-1),
        ArrowDown: () => settings.step(1),
        i: () => engine.setLoop(engine.position(), engine.loop[1]),
        e: () => engine.setLoop(engine.loop[0], engine.position()),
        l: () => engine.setLoop(),
        "[": () => settings.widen(-0.5),
        "]": () => settings.widen(0.5),
        "=": () => state.set({ width: null }),
        p: bypass,
        t: () => monitor("stereo"),
        m: () => monitor("mono"),
        s: () => monitor("side"),
        ",": () => monitor("left"),
        ".": () => monitor("right"),
        a: () => blind.hear("A"),
        b: () => blind.hear("B"),
        x: () => blind.hear("X"),
        u: () => state.undo(),
        U: () => state.redo(),
        o: () => find("open").click(),
        w: () => saving.show(),
        f: () => find("batch").showModal(),
        "?": () => find("keys").showModal(),
      };
      const method = /^[1-9]$/.test(key) ? settings.methods[Number(key) - 1] : undefined;
      if (method !== undefined) { settings.choose(method); } else if (key in actions) { actions[key](); } else { return; }
      event.preventDefault();
    });

    let last = 0, shownTime = "";
    (function frame(now) {
      requestAnimationFrame(frame);
      if (!player.open || (calmly.matches && now - last < STILL_MILLISECONDS)) { return; }
      last = now;
      const time = [engine.position(), engine.samples].map((at) => (at / engine.rate).toFixed(1)).join(" / ") + " s";
      if (time !== shownTime) { find("time").textContent = shownTime = time; }
      pictures.timeline.update();
      meters.update(now, calmly.matches);
      player.levels.update(now);
      showState(player);
    })(0);
  }

  function showState(player) {
    const { engine, progress } = player, chain = player.chains.get(listening.chainKey(player.settings));
    const percent = (voice) => Math.floor((100 * (progress.get(voice) || 0)) / Math.max(1, engine.samples));
    let text = player.notices.join("; ");
    if (!player.finished.has("mid")) { text = texts.reading(percent("mid")); }
    else if (chain && !player.finished.has(chain.voice)) {
      text = texts.making(listening.methodOf(player.settings) || texts.network, percent(chain.voice));
      if (engine.position() > (progress.get(chain.voice) || 0)) { text = `${texts.notYet} (${percent(chain.voice)} %)`; }
    }
    if (find("state").textContent !== text) { find("state").textContent = text; }
  }

  function showMeasured({ measured }) {
    const { lufs, true_peak_dbtp: peak } = measured;
    const shown = (value, unit) => (value === null ? "–" : `${listening.signed(value)} ${unit}`);
    const parts = Object.keys(texts.lufs).map((name) => `${texts.lufs[name]} ${shown(lufs[name], "LUFS")}`);
    find("loudness").textContent = [texts.passage(measured.seconds), ...parts, `${texts.truePeak} ${shown(peak, "dBTP")}`].join(" · ");
    find("loudness").classList.remove("old");
    find("warnings").replaceChildren(...measured.warnings.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    find("measure-table").replaceChildren(...measured.measures.map(({ heading, value, explanation }) => {
      const row = document.createElement("tr");
      row.title = explanation;
      row.appendChild(Object.assign(document.createElement("th"), { scope: "row", textContent: heading }));
      row.insertCell().textContent = value;
      return row;
    }));
  }

  class Blind {
    constructor(player, state) {
      this.player = player;
      this.state = state;
      /** @type {any} */
      this.trials = null;
      find("blind").addEventListener("click", () => this.toggle());
      find("hear-x").addEventListener("click", () => this.hear("X"));
      for (const slot of ["A", "B"]) { find(`is-${slot}`).addEventListener("click", () => this.#answer(slot)); }
      state.addEventListener("change", () => this.#show());
      this.#show();
    }

    async toggle() {
      const { slots } = this.state;
      if (!this.trials && listening.same(listening.heard(slots.A), listening.heard(slots.B))) {
        find("score").textContent = texts.same;
        return;
      }
      if (this.trials) {
        this.trials = null;
        this.player.force(null);
      } else {
        await Promise.all([slots.A, slots.B].map((settings) => this.player.prepare(settings)));
        this.trials = new listening.Trials();
        this.hear("X");
      }
      this.#show();
    }

    /** One of the slots, or X. @param {"A" | "B" | "X"} what */
    hear(what) {
      if (!this.trials) {
        if (what !== "X") { this.state.activate(what); }
        return;
      }
      this.heard = what;
      this.player.force(what === "X" ? this.trials.x : what);
      this.#show();
    }

    #answer(slot) {
      this.trials.answer(slot);
      this.hear("X");
    }

    #show() {
      const { trials } = this;
      find("blind").textContent = trials ? texts.blindStop : texts.blind;
      find("blind").setAttribute("aria-pressed", String(Boolean(trials)));
      find("blind-row").hidden = !trials;
      find("live").inert = Boolean(trials);
      document.body.classList.toggle("blinded", Boolean(trials));
      find("hear-x").setAttribute("aria-pressed", String(this.heard === "X"));
      if (trials) {
        for (const slot of ["A", "B"]) { find(`slot-${slot}`).setAttribute("aria-pressed", String(this.heard === slot)); }
        find("score").textContent = texts.score(trials.right, trials.all, trials.p);
      } else { find("score").textContent = ""; }
    }
  }

  listening.write();
  const link = new listening.Link();
  link.addEventListener("told", (event) => {
    if (event.detail.event === "tab") { start(link, event.detail); }
    if (event.detail.event === "refused") { complain(event.detail.text); }
  });
  link.addEventListener("gone", () => {
    listening.player?.engine.pause();
    complain(texts.gone);
  });
})();
