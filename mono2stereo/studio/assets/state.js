"use strict";
// What is set: two sets of settings, which of them is heard, and how to go back.
(function () {
  const MOST_STEPS = 200;
  const LIVE = ["method", "model", "width", "width-curve", "mono-below", "highband"];

  class State extends EventTarget {
    /**
     * Dispatches "change".
     * @param {Settings} settings of both slots
     * @param {string[]} widths names of the options that concern the width
     * @param {string[]} fixed methods that have a width of their own
     */
    constructor(settings = {}, widths = [], fixed = []) {
      super();
      this.widths = widths;
      this.fixed = fixed;
      this.slots = { A: { ...settings }, B: { ...settings } };
      this.active = "A";
      this.past = [];
      this.future = [];
      this.last = "";
    }

    get settings() { return this.slots[this.active]; }

    /** Settings as they are asked for: without a width where the method takes none. @param {Settings} settings */
    asked(settings = this.settings) {
      if (!this.fixed.includes(String(settings.method))) { return settings; }
      return Object.fromEntries(Object.entries(settings).filter(([name]) => !this.widths.includes(name)));
    }

    /** Change settings of the slot that is heard; changes of one thing in a row are undone together. */
    set(changes) {
      const name = Object.keys(changes).join();
      const next = { ...this.settings };
      for (const [key, value] of Object.entries(changes)) {
        if (value === null || value === "" || value === false) { delete next[key]; } else { next[key] = value; }
      }
      if (same(next, this.settings)) { return; }
      this.#remember(`${this.active} ${name}`);
      this.slots = { ...this.slots, [this.active]: next };
      this.#changed();
    }

    /** Take other settings, such as a preset's. */
    replace(settings) {
      if (same(settings, this.settings)) { return; }
      this.#remember("");
      this.slots = { ...this.slots, [this.active]: { ...settings } };
      this.#changed();
    }

    /** Hear the other slot. */
    activate(slot) {
      this.active = slot;
      this.last = "";
      this.#changed();
    }

    copy() {
      const other = this.active === "A" ? "B" : "A";
      if (same(this.slots[other], this.settings)) { return; }
      this.#remember("");
      this.slots = { ...this.slots, [other]: { ...this.settings } };
      this.#changed();
    }

    undo() { this.#travel(this.past, this.future); }
    redo() { this.#travel(this.future, this.past); }

    #travel(from, to) {
      if (!from.length) { return; }
      to.push({ slots: this.slots, active: this.active });
      ({ slots: this.slots, active: this.active } = from.pop());
      this.last = "";
      this.#changed();
    }

    #remember(name) {
      this.future = [];
      if (!name || name !== this.last) {
        this.past.push({ slots: this.slots, active: this.active });
        if (this.past.length > MOST_STEPS) { this.past.shift(); }
      }
      this.last = name;
    }

    #changed() { this.dispatchEvent(new Event("change")); }
  }

  /** What is heard of settings; the rest concerns files. @param {Settings} settings @returns {Settings} */
  function heard(settings) {
    return Object.fromEntries(LIVE.filter((name) => name in settings).map((name) => [name, settings[name]]));
  }

  function same(one, other) {
    const key = (settings) => JSON.stringify(Object.entries(settings).sort());
    return key(one) === key(other);
  }

  Object.assign(listening, { State, heard, same });
})();
