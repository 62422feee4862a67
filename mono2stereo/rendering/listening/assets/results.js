"use strict";
// What a finished blind test leaves: JSON with everything, CSV with a row per rating.
(function () {
  const FORMAT = "mono2stereo-listening-test-1";
  const COMMON = ["format", "page", "session", "listener", "playback", "started", "finished", "check_attempts", "remarks"];
  const EACH = ["passage", "excerpt", "track", "label", "stimulus", "quality", "width"];

  function json(test) { return JSON.stringify({ format: FORMAT, ...test }, null, 1) + "\n"; }

  function csv(test) {
    const quoted = (value) => (/[",\r\n]/.test(value) ? '"' + String(value).replaceAll('"', '""') + '"' : String(value));
    const whole = { format: FORMAT, ...test };
    const rows = test.ratings.map((one) => [...COMMON.map((name) => whole[name]), ...EACH.map((name) => one[name])]);
    return [[...COMMON, ...EACH], ...rows].map((row) => row.map(quoted).join(",") + "\r\n").join("");
  }

  function save(text, name, type) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  async function copy(area) {
    try {
      await navigator.clipboard.writeText(area.value);
      return true;
    } catch {
      area.select(); // a page in a sandbox may not reach the clipboard itself
      return document.execCommand("copy");
    }
  }

  /** Such as listening-L07-20250131-1405. */
  function fileName(test) {
    const who = test.listener.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "anonymous";
    return `listening-${who}-${test.started.slice(0, 16).replace(/[-:]/g, "").replace("T", "-")}`;
  }

  listening.results = { json, csv, save, copy, fileName };
})();
