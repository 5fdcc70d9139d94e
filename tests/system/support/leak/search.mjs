// SPDX-License-Identifier: Apache-2.0
// Looks for planted values in any bytes, in every form in which a program might have written them. A form is a run of bytes that
// stands for the value wherever it begins: base64 therefore has three (one for each place in its groups of three bytes), without
// the letters that share bits with a neighbour.
//
//   const search = new Search([{ name: 'family name', text: 'Zoë Kanarienvogel' }, { name: 'pixels', greys: Buffer }]);
//   for (const found of search.all(bytes)) console.log(found.name, found.form, found.at);
//   const stream = search.stream(); stream.push(chunk); stream.push(chunk); stream.found

/** What is shorter stands in any bytes by chance. */
export const SHORTEST = 8;

const LATIN = (text) => Buffer.from(text, 'latin1');

/** The letters of base64 that the value alone decides, when `before` bytes of something else stand before it in its group. */
function base64Core(bytes, before, alphabet) {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString(alphabet);
  return LATIN(text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6)));
}

function binaryForms(bytes) {
  const forms = { raw: bytes, 'hex, lower case': LATIN(bytes.toString('hex')), 'hex, upper case': LATIN(bytes.toString('hex').toUpperCase()) };
  for (const alphabet of ['base64', 'base64url'])
    for (const before of [0, 1, 2]) forms[`${alphabet} after ${before}`] = base64Core(bytes, before, alphabet);
  return forms;
}

const utf16be = (text) => Buffer.from(text, 'utf16le').swap16();
const escaped = (text, which, upper) => LATIN([...Array(text.length).keys()].map((i) => {
  const code = text.charCodeAt(i).toString(16).padStart(4, '0');
  return which(text.charCodeAt(i)) ? `\\u${upper ? code.toUpperCase() : code}` : text[i];
}).join(''));
const percent = (text, lower) => {
  const coded = encodeURIComponent(text);
  return LATIN(lower ? coded.replaceAll(/%../g, (code) => code.toLowerCase()) : coded);
};

function textForms(text) {
  const folded = text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
  const forms = binaryForms(Buffer.from(text));
  Object.assign(forms, { 'lower case': Buffer.from(text.toLowerCase()), 'upper case': Buffer.from(text.toUpperCase()), 'without accents': Buffer.from(folded),
    'ISO 8859-1': LATIN(text), 'UTF-16LE': Buffer.from(text, 'utf16le'), 'UTF-16BE': utf16be(text), 'percent-encoded': percent(text, false),
    'percent-encoded, lower case': percent(text, true), 'percent-encoded, + for space': LATIN(percent(text, false).toString().replaceAll('%20', '+')) });
  const json = JSON.stringify(text).slice(1, -1);
  Object.assign(forms, { JSON: Buffer.from(json), 'JSON, slashes escaped': Buffer.from(json.replaceAll('/', '\\/')) });
  for (const upper of [false, true]) {
    forms[`JSON, all escaped${upper ? ', upper case' : ''}`] = escaped(text, () => true, upper);
    forms[`JSON, ASCII kept${upper ? ', upper case' : ''}`] = escaped(json, (code) => code > 126, upper);
  }
  return forms;
}

/** A run of 8-bit greys: as bytes, as wider integers, as the floats of a tensor, and as the numbers of a JSON tensor. */
function greyForms(greys) {
  const typed = (make) => Buffer.from(make(greys).buffer);
  const forms = binaryForms(greys);
  const floats = typed(Float32Array.from.bind(Float32Array));
  Object.assign(forms, { '16-bit': typed(Uint16Array.from.bind(Uint16Array)), '16-bit, big endian': typed(Uint16Array.from.bind(Uint16Array)).swap16(), 'FP32, big endian': Buffer.from(floats).swap32(),
    'FP64': typed(Float64Array.from.bind(Float64Array)), 'FP32 of 0 to 1': Buffer.from(Float32Array.from(greys, (grey) => Math.fround(grey / 255)).buffer) });
  for (const [form, bytes] of Object.entries(binaryForms(floats))) forms[`FP32, ${form}`] = bytes;
  const list = [...greys];
  Object.assign(forms, { 'JSON integers': LATIN(list.join(',')), 'JSON integers, spaced': LATIN(list.join(', ')), 'JSON fractions': LATIN(list.map((grey) => `${grey}.0`).join(',')),
    'JSON fractions, spaced': LATIN(list.map((grey) => `${grey}.0`).join(', ')) });
  return forms;
}

/** All patterns of one planted value: `{ name, form, bytes }`, each byte string once. */
export function formsOf({ name, text, bytes, greys }) {
  const forms = text !== undefined ? textForms(text) : greys !== undefined ? greyForms(greys) : binaryForms(bytes);
  const seen = new Set();
  const patterns = [];
  for (const [form, pattern] of Object.entries(forms)) {
    const key = pattern.toString('latin1');
    if (seen.has(key)) continue;
    seen.add(key);
    if (pattern.length < SHORTEST) throw new Error(`${name}: "${form}" has ${pattern.length} bytes, fewer than ${SHORTEST}`);
    patterns.push({ name, form, bytes: pattern });
  }
  return patterns;
}

/** How far the comparison may jump over a run of zeros when it is decided by the SHORTEST bytes from `from` on. */
function jumpOverZeros(bytes, from) {
  for (let i = SHORTEST - 2; i >= 0; i--) if (bytes[from + i] === 0 && bytes[from + i + 1] === 0) return SHORTEST - 2 - i;
  return SHORTEST - 1;
}

/** Memory is mostly zeros, and floats are full of them: the part of a pattern that is looked for first is the one that passes them
 *  quickest. */
function windowOf(bytes) {
  let best = 0;
  for (let from = 1; from < SHORTEST && from + SHORTEST <= bytes.length; from++) if (jumpOverZeros(bytes, from) > jumpOverZeros(bytes, best)) best = from;
  return best;
}

/** Many patterns at once, after Wu and Manber: how far the next comparison may jump is decided by the last two of SHORTEST bytes. */
export class Search {
  #shift = new Uint8Array(65536).fill(SHORTEST - 1);
  #bucket = new Map();

  constructor(values) {
    this.patterns = values.flatMap(formsOf);
    this.longest = Math.max(SHORTEST, ...this.patterns.map((pattern) => pattern.bytes.length));
    for (const { name, form, bytes } of this.patterns) {
      const window = windowOf(bytes);
      for (let i = 0; i + 1 < SHORTEST; i++) {
        const block = bytes[window + i] | (bytes[window + i + 1] << 8);
        this.#shift[block] = Math.min(this.#shift[block], SHORTEST - 2 - i);
      }
      const last = bytes[window + SHORTEST - 2] | (bytes[window + SHORTEST - 1] << 8);
      this.#bucket.set(last, [...(this.#bucket.get(last) ?? []), { name, form, bytes, window, first: bytes[0] }]);
    }
  }

  /** Every place of every pattern: `{ name, form, at }`, in the order of the places. */
  all(buffer) {
    const found = [];
    const shift = this.#shift;
    for (let at = SHORTEST - 1; at < buffer.length;) {
      const block = buffer[at - 1] | (buffer[at] << 8);
      const jump = shift[block];
      if (jump > 0) {
        at += jump;
        continue;
      }
      for (const { name, form, bytes, window, first } of this.#bucket.get(block)) {
        const from = at - SHORTEST + 1 - window;
        const end = from + bytes.length;
        if (from >= 0 && end <= buffer.length && buffer[from] === first && buffer.compare(bytes, 0, bytes.length, from, end) === 0) found.push({ name, form, at: from });
      }
      at++;
    }
    return found.sort((a, b) => a.at - b.at);
  }

  stream() {
    return new SearchStream(this);
  }
}

/** Bytes that come in pieces: what lies across two of them is found, and found once. */
class SearchStream {
  #search;
  #kept = Buffer.alloc(0);
  #before = 0;
  #known = new Set();
  found = [];

  constructor(search) {
    this.#search = search;
  }

  get size() {
    return this.#before + this.#kept.length;
  }

  push(piece) {
    const joined = this.#kept.length ? Buffer.concat([this.#kept, piece]) : piece;
    // What ends in the kept bytes was found before.
    for (const { name, form, at } of this.#search.all(joined)) {
      const place = this.#before + at;
      const key = `${place} ${form} ${name}`;
      if (this.#known.has(key)) continue;
      this.#known.add(key);
      this.found.push({ name, form, at: place });
    }
    const keep = Math.min(joined.length, this.#search.longest - 1);
    this.#before += joined.length - keep;
    this.#kept = Buffer.from(joined.subarray(joined.length - keep));
  }
}
