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

  listening.spectra = { powers, bins: BINS };
})();
