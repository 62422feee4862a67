"use strict";
// A signal that the server still makes, in chunks, few of them at a time: a long recording takes no more than a short one.
(function () {
  const CHUNK = 65536; // samples
  const KEPT = 24; // chunks

  class Stream extends EventTarget {
    /**
     * Dispatches "more" when a chunk has come.
     * @param {(first: number, last: number) => Promise<ArrayBuffer>} fetch_
     * @param {number} sampleRate
     */
    constructor(fetch_, sampleRate) {
      super();
      this.sampleRate = sampleRate;
      this.chunkSamples = CHUNK;
      this.ready = 0; // samples that the server has
      this.length = 0; // samples that there will be
      this.fetch = fetch_;
      /** @type {Map<number, AudioBuffer | null>} */
      this.chunks = new Map();
    }

    /** So many samples are there, of so many. */
    grow(ready, length) {
      this.ready = ready;
      this.length = length;
      this.dispatchEvent(new Event("more"));
    }

    /** All is new. */
    restart() {
      this.chunks.clear();
      this.ready = 0;
    }

    /** Whether the server has all of a chunk. */
    has(index) { return this.ready > 0 && this.ready >= Math.min((index + 1) * CHUNK, this.length); }

    /** A chunk that is here; else it is asked for, as is the one behind it. @returns {AudioBuffer | null} */
    chunk(index) {
      this.#ask(index);
      if ((index + 1) * CHUNK < this.length) { this.#ask(index + 1); }
      return this.chunks.get(index) || null;
    }

    async #ask(index) {
      if (this.chunks.has(index)) {
        const kept = this.chunks.get(index);
        this.chunks.delete(index); // the youngest now
        this.chunks.set(index, kept);
        return;
      }
      if (!this.has(index)) { return; }
      this.chunks.set(index, null);
      if (this.chunks.size > KEPT) { this.chunks.delete(this.chunks.keys().next().value); }
      try {
        const samples = new Float32Array(await this.fetch(index * CHUNK, Math.min((index + 1) * CHUNK, this.length)));
        if (!this.chunks.has(index)) { return; }
        const buffer = new AudioBuffer({ length: Math.max(1, samples.length), numberOfChannels: 1, sampleRate: this.sampleRate });
        buffer.copyToChannel(samples, 0);
        this.chunks.set(index, buffer);
        this.dispatchEvent(new Event("more"));
      } catch {
        this.chunks.delete(index); // asked for again when it is needed
      }
    }
  }

  listening.Stream = Stream;
})();
