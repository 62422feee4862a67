"use strict";
// The page's data. data.js and audio/*.js hand it over by calling `listening.page` and `listening.audio`:
// a page opened from disk may run scripts beside it, but fetch nothing.
window.listening = (function () {
  const arrived = new Map(); // excerpt → {signal: base64 of a FLAC}
  const awaited = new Map(); // excerpt → what to call when it arrives
  const listening = {
    page(data) { listening.data = data; },
    audio(excerpt, signals) {
      arrived.set(excerpt, signals);
      awaited.get(excerpt)?.();
    },
  };

  function arrival(excerpt) {
    return new Promise(function (resolve, reject) {
      if (arrived.has(excerpt)) { resolve(); return; }
      awaited.set(excerpt, resolve);
      const script = document.createElement("script");
      script.src = "audio/" + encodeURIComponent(excerpt) + ".js";
      script.onerror = function () {
        reject(new Error(decodeURIComponent(script.src) + " is missing: keep the page’s folder together."));
      };
      document.head.append(script);
    });
  }

  function bytes(base64) {
    const text = atob(base64);
    const made = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) { made[i] = text.charCodeAt(i); }
    return made.buffer;
  }

  /** All signals of an excerpt, name → AudioBuffer, sample by sample as they were packed. */
  listening.signals = async function (excerpt) {
    await arrival(excerpt.key);
    // At its own rate, whatever the loudspeakers': decoding resamples to the context's.
    const decoder = new OfflineAudioContext(1, 1, excerpt.sampleRate);
    const packed = Object.entries(arrived.get(excerpt.key));
    const decoded = packed.map(async function ([name, base64]) {
      return /** @type {[string, AudioBuffer]} */ ([name, await decoder.decodeAudioData(bytes(base64))]);
    });
    return new Map(await Promise.all(decoded));
  };

  listening.nameOf = function (key) {
    const step = /^step-0*(\d+)$/.exec(key);
    return step ? "Step " + step[1] : { mono: "Mono", original: "Original" }[key] || key.replaceAll("_", " ");
  };

  listening.say = function (text) { document.getElementById("status").textContent = text; };

  listening.complain = function (text) {
    const problem = document.getElementById("problem");
    problem.textContent = text;
    problem.hidden = !text;
  };

  return listening;
})();
