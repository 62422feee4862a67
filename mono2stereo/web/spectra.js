"use strict";
// Short-time spectra for the picture.
(function () {
  const LENGTH = 2048;
  const BINS = LENGTH / 2 + 1;
  const window_ = Float32Array.from({ length: LENGTH }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / LENGTH));
  const cosines = Float32Array.from({ length: LENGTH / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / LENGTH));
  const sines = Float32Array.from({ length: LENGTH / 2 }, (_, i) => Math.sin((2 * Math.PI * i) / LENGTH));
  const reversed = Uint16Array.from({ length: LENGTH }, function (_, i) {
    let turned = 0;
    for (let bit = 1; bit < LENGTH; bit <<= 1) { turned = (turned << 1) | (i & bit ? 1 : 0); }
    return turned;
  });

  /** In place, decimation in time; `real` and `imaginary` in bit-reversed order. */
  function transform(real, imaginary) {
    for (let half = 1; half < LENGTH; half *= 2) {
      const stride = LENGTH / (2 * half);
      for (let start = 0; start < LENGTH; start += 2 * half) {
        for (let i = 0; i < half; i++) {
          const c = cosines[i * stride], s = sines[i * stride], a = start + i, b = a + half;
          const re = real[b] * c + imaginary[b] * s, im = imaginary[b] * c - real[b] * s;
          real[b] = real[a] - re;
          imaginary[b] = imaginary[a] - im;
          real[a] += re;
          imaginary[a] += im;
        }
      }
    }
  }

  /**
   * Power of `columns` frames spread evenly over a signal, column by column, `spectra.bins` each.
   * Two frames go through one transform, as its real and imaginary part.
   */
  function powers(signal, columns) {
    const made = new Float32Array(columns * BINS);
    const real = new Float32Array(LENGTH), imaginary = new Float32Array(LENGTH);
    const first = (column) => Math.round(((column + 0.5) / columns) * signal.length) - LENGTH / 2;
    for (let column = 0; column < columns; column += 2) {
      const one = first(column), other = first(column + 1);
      for (let i = 0; i < LENGTH; i++) {
        real[reversed[i]] = (signal[one + i] || 0) * window_[i];
        imaginary[reversed[i]] = (signal[other + i] || 0) * window_[i];
      }
      transform(real, imaginary);
      for (let bin = 0; bin < BINS; bin++) {
        const back = (LENGTH - bin) % LENGTH;
        const plusRe = real[bin] + real[back], minusIm = imaginary[bin] - imaginary[back];
        const plusIm = imaginary[bin] + imaginary[back], minusRe = real[back] - real[bin];
        made[column * BINS + bin] = (plusRe * plusRe + minusIm * minusIm) / 4;
        if (column + 1 < columns) {
          made[(column + 1) * BINS + bin] = (plusIm * plusIm + minusRe * minusRe) / 4;
        }
      }
    }
    return made;
  }

  const OCTAVES_HZ = [63, 125, 250, 500, 1000, 2000, 4000, 8000, 16000];

  /**
   * Energies of left and right and what they have in common, per octave; left and right go through one transform.
   * @param {Float32Array} left @param {Float32Array} right LENGTH samples each @param {number} rate
   * @returns {{hz: number, cross: number, left: number, right: number}[]}
   */
  function octaves(left, right, rate) {
    const real = new Float32Array(LENGTH), imaginary = new Float32Array(LENGTH);
    for (let i = 0; i < LENGTH; i++) {
      real[reversed[i]] = left[i] * window_[i];
      imaginary[reversed[i]] = right[i] * window_[i];
    }
    transform(real, imaginary);
    const made = OCTAVES_HZ.filter((hz) => hz < rate / 2).map((hz) => ({ hz, cross: 0, left: 0, right: 0 }));
    for (let bin = 1; bin < LENGTH / 2; bin++) {
      const octave = made[Math.round(Math.log2((bin * rate) / LENGTH / OCTAVES_HZ[0]))];
      if (!octave) { continue; }
      const a = real[bin] + real[LENGTH - bin], b = imaginary[bin] - imaginary[LENGTH - bin]; // twice left
      const c = imaginary[bin] + imaginary[LENGTH - bin], d = real[LENGTH - bin] - real[bin]; // twice right
      octave.left += a * a + b * b;
      octave.right += c * c + d * d;
      octave.cross += a * c + b * d;
    }
    return made;
  }

  listening.spectra = { powers, octaves, bins: BINS, length: LENGTH };
})();
