// What the pages' scripts share. They are plain scripts, in the order in which their page names them.
declare var listening: any;
interface Window {
  listening: any;
}
// Which kind of element has a name is the page's to know.
interface Document {
  getElementById(elementId: string): any;
}
interface ParentNode {
  querySelector(selectors: string): any;
  querySelectorAll(selectors: string): NodeListOf<any>;
}
type Settings = Record<string, string | number | boolean>;
/** Samples that come in chunks; those asked for come later, with the event "more". */
interface Stream extends EventTarget {
  length: number;
  sampleRate: number;
  chunkSamples: number;
  chunk(index: number): AudioBuffer | null;
}
/** A version: names of signals, and the gains of equal loudness at the engine's widths. */
interface Stimulus {
  mid: string;
  side?: string | null;
  gains?: number[];
  width?: number;
}
interface Voice {
  tap: GainNode;
  gain: GainNode;
  buffer: AudioBuffer | null;
  stream: Stream | null;
  source: AudioBufferSourceNode | null;
  inputs: (() => void)[];
}
/** Some samples of all streams, from a moment on; frames are the context's. */
interface Piece {
  chunk: number;
  from: number;
  samples: number;
  frame: number;
  sources: Map<string, AudioBufferSourceNode | null>;
}
interface Chain {
  mid: string;
  side: string;
  voice: string;
  filtered: boolean;
  fixed: boolean;
}
interface Lane {
  lows: Float32Array;
  highs: Float32Array;
  colour: string;
  part?: number;
}
