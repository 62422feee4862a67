"use strict";
// Puts the views together: one context, one engine, whichever view is shown.
(function () {
  const find = (id) => document.getElementById(id);
  const STILL_MILLISECONDS = 500; // between pictures where motion is not wanted
  const calmly = matchMedia("(prefers-reduced-motion: reduce)");

  function start() {
    const { data } = listening;
    if (!data || !data.excerpts.length) {
      listening.complain("This page holds no excerpt: data.js is missing or empty.");
      return;
    }
    // At the excerpts' own rate: what is heard is what was packed, and sources need no resampling to run in step.
    const context = new AudioContext({ sampleRate: data.sampleRate, latencyHint: "interactive" });
    const engine = new listening.Engine(context, data.widths);
    let loaded = null, loading = null;

    /** Load an excerpt into the engine; whether it came, and is still the one that is wanted. */
    async function open(excerpt) {
      loading = excerpt;
      if (loaded === excerpt) { return true; }
      listening.say("Loading " + excerpt.track);
      try {
        const signals = await listening.signals(excerpt);
        if (loading !== excerpt) { return false; }
        engine.load(signals, Object.values(excerpt.stimuli));
        loaded = excerpt;
        listening.complain("");
      } catch (error) {
        listening.complain(error.message);
        return false;
      } finally {
        listening.say("");
      }
      return true;
    }

    const compare = new listening.Compare(engine, open);
    const blind = new listening.Blind(engine, open);
    /** @type {any} */
    let view = null;

    async function show(name) {
      for (const link of document.querySelectorAll("nav a")) {
        const here = link.hash === "#" + name;
        if (here) { link.setAttribute("aria-current", "page"); } else { link.removeAttribute("aria-current"); }
      }
      find("compare").hidden = name !== "compare";
      find("blind").hidden = name !== "blind";
      const changed = view !== null;
      view = name === "blind" ? blind : compare;
      engine.pause();
      engine.setFoldedDown(false);
      engine.setWidth(1);
      await view.show();
      if (changed) { find(name).querySelector("h2").focus(); }
    }

    document.addEventListener("click", function (event) {
      if (/** @type {Element} */ (event.target).closest("[data-play]")) { engine.toggle(); }
    });
    engine.addEventListener("change", function () {
      document.body.classList.toggle("playing", engine.playing);
      for (const name of document.querySelectorAll("[data-play-name]")) { name.textContent = engine.playing ? "Pause" : "Play"; }
    });
    document.addEventListener("keydown", function (event) {
      const { key } = event, target = /** @type {Element} */ (event.target);
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || find("keys").open) { return; }
      if (!find("keys-on").checked || target.matches("select, textarea, input[type=text]")) { return; }
      if (key === " " && target.matches("button, summary, input[type=checkbox], a")) { return; }
      if (key.startsWith("Arrow") && target.matches("input[type=range]")) { return; }
      if (key.startsWith("Arrow") && target.matches("input[type=radio]:not([name=version])")) { return; }
      const actions = {
        " ": () => engine.toggle(),
        ArrowLeft: () => engine.seek(engine.position() - engine.rate),
        ArrowRight: () => engine.seek(engine.position() + engine.rate),
        "?": () => find("keys").showModal(),
      };
      if (view.act(key)) { event.preventDefault(); } else if (key in actions) { event.preventDefault(); actions[key](); }
    });
    find("show-keys").addEventListener("click", () => find("keys").showModal());
    find("keys-close").addEventListener("click", () => find("keys").close());
    const named = () => (location.hash === "#blind" ? "blind" : "compare");
    window.addEventListener("hashchange", () => show(named()));
    document.querySelector("nav").addEventListener("click", function (event) {
      const link = event.target.closest("a");
      if (!link) { return; }
      event.preventDefault(); // in a sandbox a page may not go even to its own anchors
      try { history.replaceState(null, "", link.hash); } catch { /* then the address stays as it is */ }
      show(link.hash.slice(1));
    });
    document.querySelector("[data-loudness]").textContent = data.loudnessLufs + " LUFS";
    const { leftOut } = data;
    if (leftOut && (leftOut.checkpoints || leftOut.excerpts)) {
      const note = document.querySelector("[data-left-out]");
      note.hidden = false;
      note.textContent = `To stay one file of bounded size this page leaves out ${leftOut.checkpoints} checkpoints and ` +
        `${leftOut.excerpts} excerpts; reports/listen/index.html has them all.`;
    }

    let last = 0, shownTime = "";
    (function frame(now) {
      requestAnimationFrame(frame);
      if (calmly.matches && now - last < STILL_MILLISECONDS) { return; }
      last = now;
      if (engine.samples) {
        const time = [engine.position(), engine.samples].map((at) => (at / engine.rate).toFixed(1)).join(" / ") + " s";
        if (time !== shownTime) {
          shownTime = time;
          for (const output of document.querySelectorAll("[data-time]")) { output.textContent = time; }
        }
      }
      view?.frame(now, calmly.matches);
    })(0);
    show(named());
  }

  start();
})();
