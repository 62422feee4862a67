"use strict";
// Save, download, a folder, presets.
(function () {
  const { find, texts } = listening;
  const KEPT_AFTER_MILLISECONDS = 800;
  const AT_A_FILE = ["files", "films", "level"]; // groups of options that are heard of a file alone

  class Saving {
    constructor(link, state, player, form) {
      this.link = link;
      this.state = state;
      this.player = player;
      for (const option of form.filter((one) => AT_A_FILE.includes(one.group))) { this.#field(option); }
      find("show-save").addEventListener("click", () => this.show());
      find("save-here").addEventListener("click", () => this.#save("save", find("target").value.trim()));
      find("download").addEventListener("click", () => this.#save("download", baseName(find("target").value) || this.#suggested()));
      find("copy-command").addEventListener("click", () => this.#copy());
      for (const id of ["target", "force"]) { find(id).addEventListener("input", () => this.#command()); }
      state.addEventListener("change", () => this.#command());
    }

    show() {
      this.#command();
      find("saved").textContent = "";
      find("save").showModal();
    }

    #field({ name, kind, help, choices }) {
      const label = find("file-options").appendChild(document.createElement("label"));
      label.title = help;
      const shown = document.createTextNode(name.replaceAll("-", " ") + " ");
      /** @type {any} */
      let input;
      if (kind === "choice") {
        input = document.createElement("select");
        for (const choice of ["", ...choices]) { input.add(new Option(choice || texts.unset, choice)); }
      } else {
        input = document.createElement("input");
        input.type = kind === "flag" ? "checkbox" : kind;
        if (kind === "number") { input.step = "any"; }
      }
      input.id = `option-${name}`;
      label.append(...(kind === "flag" ? [input, " ", shown] : [shown, input]));
      const value = () => (kind === "flag" ? input.checked : kind === "number" && input.value !== "" ? Number(input.value) : input.value);
      input.addEventListener("change", async () => {
        this.state.set({ [name]: value() });
        if (["from-left", "from-right", "track"].includes(name)) { // another mid
          try { await this.link.call("again", { settings: this.state.asked() }); } catch (error) { find("saved").textContent = error.message; }
        }
      });
      this.state.addEventListener("change", () => {
        const set = this.state.settings[name];
        if (kind === "flag") { input.checked = Boolean(set); } else { input.value = set ?? ""; }
      });
    }

    #suggested() { return this.player.name ? `${this.player.name.replace(/\.[^.]+$/, "")}-stereo.${this.#suffix()}` : ""; }

    #suffix() { return this.state.settings.format || /\.([^.]+)$/.exec(this.player.name)?.[1] || "wav"; }

    #command() {
      const { command } = this.player, target = find("target").value.trim();
      find("target").placeholder = `/…/${this.#suggested()}`;
      if (!command) { return; }
      find("command").value = command + (target ? ` -o ${quoted(target)}` : "") + (find("force").checked ? " --force" : "");
    }

    async #save(call, target) {
      const note = find("saved");
      note.textContent = texts.saving;
      try {
        const done = await this.link.call(call, { settings: this.state.asked(), target, force: find("force").checked });
        note.textContent = done.said;
        find("command").value = done.command;
        if (done.name) {
          const anchor = document.createElement("a");
          anchor.href = this.link.address(`download/${encodeURIComponent(done.name)}`);
          anchor.download = done.name;
          anchor.click();
        }
      } catch (error) { note.textContent = error.message; }
    }

    async #copy() {
      try { await navigator.clipboard.writeText(find("command").value); } catch { find("command").select(); document.execCommand("copy"); }
      find("saved").textContent = texts.copied;
    }
  }

  class Batch {
    constructor(link, state) {
      this.paused = false;
      find("show-batch").addEventListener("click", () => find("batch").showModal());
      find("batch-start").addEventListener("click", async () => {
        const asked = { settings: state.asked(), source: find("batch-source").value.trim(), target: find("batch-target").value.trim() };
        try { await link.call("batch", asked); } catch (error) { find("batch-state").textContent = error.message; }
      });
      find("batch-pause").addEventListener("click", () => link.call("pause", { paused: !this.paused }));
      link.addEventListener("told", (event) => { if (event.detail.event === "batch") { this.#show(event.detail); } });
    }

    #show(told) {
      this.paused = told.paused;
      find("batch-pause").disabled = told.ended;
      find("batch-start").disabled = !told.ended;
      find("batch-pause").textContent = told.paused ? texts.batchResume : texts.batchPause;
      Object.assign(find("batch-progress"), { max: told.total || 1, value: told.done });
      find("batch-state").textContent = texts.batchState(told);
      find("batch-failed").replaceChildren(...told.failed.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    }
  }

  class Presets {
    /** @param {{presets?: Record<string, Settings>, last?: Settings}} kept */
    constructor(link, state, kept) {
      this.presets = kept.presets || {};
      const keep = () => link.call("keep", { kept: { presets: this.presets, last: state.settings } }).catch(() => null);
      const list = () => find("presets").replaceChildren(...["", ...Object.keys(this.presets).sort()].map((name) => new Option(name || texts.presetNone, name)));
      list();
      find("presets").addEventListener("change", () => {
        const { value } = find("presets");
        if (value) { state.replace(this.presets[value]); }
      });
      find("preset-save").addEventListener("click", () => find("preset").showModal());
      find("preset-keep").addEventListener("click", () => {
        const name = find("preset-name").value.trim();
        if (!name) { return; }
        this.presets[name] = state.settings;
        list();
        find("presets").value = name;
        find("preset").close();
        keep();
      });
      find("preset-delete").addEventListener("click", () => {
        delete this.presets[find("presets").value];
        list();
        keep();
      });
      let waiting = 0;
      state.addEventListener("change", () => {
        clearTimeout(waiting);
        waiting = setTimeout(keep, KEPT_AFTER_MILLISECONDS);
      });
    }
  }

  function baseName(path) { return path.trim().split(/[\\/]/).at(-1); }

  /** As a shell wants it. */
  function quoted(text) { return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`; }

  Object.assign(listening, { Saving, Batch, Presets });
})();
