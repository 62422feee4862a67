"use strict";
// A width curve drawn by hand: points of frequency and decibels.
(function () {
  const LOW_HZ = 40, HIGH_HZ = 20000, LOW_DB = -40, HIGH_DB = 12, NEAR = 12; // CSS pixels

  /** Of "100:-20,1000:-10", as the command line has it. @param {string} text @returns {[number, number][]} */
  function points(text) {
    return text.split(",").map((pair) => pair.split(":").map(Number)).filter((pair) => pair.length === 2 && pair.every(Number.isFinite))
      .map(([hz, db]) => /** @type {[number, number]} */ ([hz, db])).sort((a, b) => a[0] - b[0]);
  }

  /** @param {[number, number][]} list */
  function written(list) { return list.map(([hz, db]) => `${Math.round(hz)}:${Math.round(db * 10) / 10}`).join(","); }

  class Curve {
    /** @param {HTMLCanvasElement} canvas @param {(text: string) => void} changed */
    constructor(canvas, changed) {
      this.canvas = canvas;
      this.list = [];
      canvas.addEventListener("pointerdown", (event) => {
        const at = this.#place(event);
        let index = this.#near(event);
        if (index < 0) {
          this.list = [...this.list, at].sort((a, b) => a[0] - b[0]);
          index = this.list.indexOf(at);
        }
        canvas.setPointerCapture(event.pointerId);
        const move = (to) => {
          const [hz, db] = this.#place(to);
          const below = this.list[index - 1]?.[0] ?? 0, above = this.list[index + 1]?.[0] ?? Infinity;
          this.list[index] = [Math.min(Math.max(hz, below + 1), above - 1), db];
          this.draw();
        };
        canvas.addEventListener("pointermove", move);
        canvas.addEventListener("pointerup", () => {
          canvas.removeEventListener("pointermove", move);
          changed(written(this.list));
        }, { once: true });
        this.draw();
      });
      canvas.addEventListener("dblclick", (event) => {
        const index = this.#near(event);
        if (index >= 0 && this.list.length > 1) {
          this.list.splice(index, 1);
          changed(written(this.list));
        }
      });
    }

    show(text) {
      this.list = points(text);
      this.draw();
    }

    draw() {
      const { context, width, height } = listening.blank(this.canvas);
      context.fillStyle = listening.colour("soft");
      context.font = "10px system-ui, sans-serif";
      for (const hz of [100, 1000, 10000]) {
        const x = this.#x(hz, width);
        context.fillRect(x, 0, 1, height);
        context.fillText(hz < 1000 ? String(hz) : hz / 1000 + "k", x + 3, height - 2);
      }
      for (const db of [-30, -20, -10, 0]) { context.fillText(String(db), 2, this.#y(db, height) + 3); }
      context.strokeStyle = context.fillStyle = listening.colour("accent");
      context.lineWidth = 2;
      context.beginPath();
      const edges = this.list.length ? [[LOW_HZ, this.list[0][1]], ...this.list, [HIGH_HZ, this.list.at(-1)[1]]] : [];
      for (const [hz, db] of edges) { context.lineTo(this.#x(hz, width), this.#y(db, height)); }
      context.stroke();
      for (const [hz, db] of this.list) {
        context.beginPath();
        context.arc(this.#x(hz, width), this.#y(db, height), 4, 0, 7);
        context.fill();
      }
    }

    #x(hz, width) { return (Math.log(hz / LOW_HZ) / Math.log(HIGH_HZ / LOW_HZ)) * width; }
    #y(db, height) { return ((HIGH_DB - db) / (HIGH_DB - LOW_DB)) * height; }

    #place(event) {
      const { left, top, width, height } = this.canvas.getBoundingClientRect();
      const part = Math.min(1, Math.max(0, (event.clientX - left) / width)), down = Math.min(1, Math.max(0, (event.clientY - top) / height));
      return /** @type {[number, number]} */ ([LOW_HZ * (HIGH_HZ / LOW_HZ) ** part, HIGH_DB - down * (HIGH_DB - LOW_DB)]);
    }

    #near(event) {
      const { left, top, width, height } = this.canvas.getBoundingClientRect();
      return this.list.findIndex(([hz, db]) =>
        Math.hypot(this.#x(hz, width) - event.clientX + left, this.#y(db, height) - event.clientY + top) < NEAR);
    }
  }

  Object.assign(listening, { Curve, curve: { points, written } });
})();
