"""What a page sends to its loudspeakers, and when.

A ScriptProcessorNode runs on the page's own thread: on a busy machine it loses blocks, or hands on a buffer
that is being written anew. (A worklet would not, but the pages' policies let none in.) So each block brings
along the count of its samples on a third channel: what is whole is kept where it belongs, what was lost is
known.
"""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

BASE64 = """
    const base64 = (floats) => {
      const bytes = new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
      let text = "";
      for (let i = 0; i < bytes.length; i += 32768) {
        text += String.fromCharCode(...bytes.subarray(i, i + 32768));
      }
      return btoa(text);
    };"""
# `recorded(context)` is a node: what goes into it lands in `heard`, as blocks: left, right, and from when.
RECORDER = """
    const BLOCK = 2048, COUNTS = 2 ** 20;
    window.heard = [];
    window.heardFrom = () => Math.min(...heard.map(({ at }) => at));
    window.heardSamples = () => heard.length && Math.max(...heard.map(({ at }) => at)) + BLOCK - heardFrom();
    window.recorded = (context) => {
      const { sampleRate } = context;
      const entry = new GainNode(context, { channelCount: 2, channelCountMode: "explicit" });
      const counts = new AudioBuffer({ length: COUNTS, numberOfChannels: 1, sampleRate });
      counts.copyToChannel(Float32Array.from({ length: COUNTS }, (_, i) => i), 0);
      const counter = new AudioBufferSourceNode(context, { buffer: counts, loop: true });
      const split = entry.connect(new ChannelSplitterNode(context, { numberOfOutputs: 2 }));
      const three = new ChannelMergerNode(context, { numberOfInputs: 3 });
      const recorder = context.createScriptProcessor(BLOCK, 3, 1);
      let last = 0;
      recorder.onaudioprocess = ({ inputBuffer }) => {
        const [before, left, right, after] = [2, 0, 1, 2].map((i) => inputBuffer.getChannelData(i).slice());
        const [first] = before;
        if (!before.every((count, i) => count === first + i && count === after[i])) { return; }
        last = first + Math.round((last - first) / COUNTS) * COUNTS;
        heard.push(Object.assign([left, right], { at: last }));
      };
      [0, 1].forEach((channel) => split.connect(three, channel, channel));
      counter.connect(three, 0, 2);
      three.connect(recorder).connect(context.destination);
      counter.start();
      return entry;
    };"""
HEARD = (
    BASE64
    + """
    return [0, 1].map((channel) => {
      const all = new Float32Array(heardSamples()).fill(NaN);
      for (const block of heard) { all.set(block[channel], block.at - heardFrom()); }
      return base64(all);
    });"""
)


def unpacked(channels: list[str]) -> NDArray:
    """(samples, channels) of 32-bit floats in base64; NaN where a recording lost what was heard."""
    return np.stack([np.frombuffer(base64.b64decode(text), np.float32) for text in channels], axis=1)


def place_of(expected: NDArray, heard: NDArray) -> int:
    """Where in `heard` (samples, channels) the first sample of `expected` lies."""
    size = len(heard) + len(expected)
    spectrum = np.fft.rfft(np.nan_to_num(heard[:, 0]), size) * np.conj(np.fft.rfft(expected[:, 0], size))
    return int(np.fft.irfft(spectrum)[: len(heard)].argmax())
