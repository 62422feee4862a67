"use strict";
// The name that all scripts share; the listening page's has more in it.
window.listening = /** @type {any} */ ({});
