"use strict";
// The studio's server: events over a socket that lives as long as the tab, calls beside it.
(function () {
  class Link extends EventTarget {
    /** Dispatches "told" with an event of the server as `detail`, and "gone". */
    constructor() {
      super();
      this.tab = "";
      const address = new URL("tab", location.href);
      address.protocol = "ws:";
      this.socket = new WebSocket(address);
      this.socket.onmessage = (message) => {
        const told = JSON.parse(message.data);
        if (told.event === "tab") { this.tab = told.tab; }
        this.dispatchEvent(new CustomEvent("told", { detail: told }));
      };
      this.socket.onclose = () => this.dispatchEvent(new Event("gone"));
    }

    /** @param {string} name @param {object} asked @returns {Promise<any>} */
    async call(name, asked) {
      return await (await this.#fetch(name, { method: "POST", body: JSON.stringify(asked) })).json();
    }

    /** Hand a file over. @param {File} file @param {(part: number) => void} progress */
    upload(file, progress) {
      return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest(); // fetch tells of no progress
        request.open("POST", this.address(`recording?name=${encodeURIComponent(file.name)}`));
        request.upload.onprogress = (event) => progress(event.total ? event.loaded / event.total : 0);
        request.onload = () => (request.status === 200 ? resolve(null) : reject(new Error(reason(request.responseText, request.status))));
        request.onerror = () => reject(new Error(listening.texts.gone));
        request.send(file);
      });
    }

    /** @param {string} what @returns {Promise<ArrayBuffer>} */
    async bytes(what) { return await (await this.#fetch(what, {})).arrayBuffer(); }

    address(what) { return `tabs/${this.tab}/${what}`; }

    async #fetch(what, options) {
      let answer;
      try { answer = await fetch(this.address(what), options); } catch { throw new Error(listening.texts.gone); }
      if (!answer.ok) { throw new Error(reason(await answer.text(), answer.status)); }
      if (answer.status === 204) { throw new Error(""); } // another recording took its place: nothing to say
      return answer;
    }
  }

  function reason(text, status) {
    try { return JSON.parse(text).error; } catch { return text.trim() || listening.texts.failed(status); }
  }

  listening.Link = Link;
})();
