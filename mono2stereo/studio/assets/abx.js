"use strict";
// A blind test of two settings: X is one of them, and who cannot tell guesses.
(function () {
  class Trials {
    /** @param {() => number} random from 0 to 1 */
    constructor(random = Math.random) {
      this.random = random;
      this.right = 0;
      this.all = 0;
      this.next();
    }

    next() { this.x = this.random() < 0.5 ? "A" : "B"; }

    /** Say what X is; another X follows. @param {"A" | "B"} slot */
    answer(slot) {
      this.all++;
      if (slot === this.x) { this.right++; }
      this.next();
    }

    get p() { return chance(this.right, this.all); }
  }

  /** How often guesses get so many right or more: the binomial distribution's tail at one half. */
  function chance(right, all) {
    let ways = 1, sum = 0; // ways to get k right, k from all down
    for (let k = all; k >= right; k--) {
      sum += ways;
      ways *= k / (all - k + 1);
    }
    return sum / 2 ** all;
  }

  Object.assign(listening, { Trials, chance });
})();
