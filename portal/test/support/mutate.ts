// SPDX-License-Identifier: Apache-2.0
//
// Seeded ways to spoil a document: the same seed gives the same inputs, so that what failed can be seen again.

type Json = unknown;

/** xorshift32: numbers from 0 to below `limit`. */
export class Random {
  constructor(private state: number) {
    this.state = Math.imul(state ^ 0x5bd1e995, 0x9e3779b1) || 1; // seeds side by side must not begin alike
  }

  below(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % limit;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  bytes(count: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }
}

export const MARKUP = '<img src=x onerror="globalThis.scripted=1"><script>globalThis.scripted=1</script>';

function deep(levels: number): Json {
  let value: Json = 1;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

export const NASTY: readonly Json[] = [
  null, true, false, 0, -1, 1.5, 1e308, -0, Number.MAX_SAFE_INTEGER, 9e15, '', ' ', '\u0000', '\u202egnp.exe', MARKUP, 'javascript:alert(1)',
  'x'.repeat(70000), [], {}, [[]], [null], { toString: 1, valueOf: 1 }, JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  '-271821-04-19T23:59:59Z', '9999-99-99', '../../x', '%00', '__proto__', 'constructor', 'toString', deep(60), ['a', 'b'], { length: 1e9 },
];

const NAMES = ['', 'entry', 'length', 'toString', 'constructor', 'hasOwnProperty', 'x'.repeat(300), MARKUP];

function nasty(random: Random): Json {
  return structuredClone(random.of(NASTY));
}

function places(value: Json, found: [object, string][] = []): [object, string][] {
  if (typeof value !== 'object' || value === null) return found;
  for (const name of Object.keys(value)) {
    found.push([value, name]);
    places((value as Record<string, Json>)[name], found);
  }
  return found;
}

/** A copy in which a few members were replaced, left out, doubled or added. */
export function spoilt<T>(value: T, random: Random): T {
  const copy = structuredClone({ value });
  for (let count = 1 + random.below(3); count > 0; count--) {
    const [holder, name] = random.of(places(copy));
    const object = holder as Record<string, Json>;
    const way = random.below(8);
    if (way === 0 && holder !== copy) delete object[name];
    else if (way === 1 && Array.isArray(holder)) holder.push(structuredClone(holder[0]));
    else if (way === 2 && holder !== copy && !Array.isArray(holder)) object[random.of(NAMES)] = nasty(random);
    else object[name] = nasty(random);
  }
  return copy.value;
}

/** Bytes with a few bits turned, cut short, or with something behind. */
export function bent(bytes: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  const way = random.below(4);
  if (way === 0) return copy.slice(0, random.below(copy.length + 1));
  if (way === 1) return Uint8Array.from([...copy, ...random.bytes(1 + random.below(9))]);
  for (let count = 1 + random.below(4); count > 0 && copy.length > 0; count--) copy[random.below(copy.length)] ^= 1 << random.below(8);
  return copy;
}

/** A text in which a few letters were changed for others of its kind. */
export function misspelt(text: string, random: Random): string {
  const at = random.below(text.length);
  const way = random.below(4);
  if (way === 0) return text.slice(0, at);
  if (way === 1) return text.slice(0, at) + random.of(['.', '=', ' ', '\u0000', 'é', '..', '{}']) + text.slice(at);
  const other = random.of([...'ABCXYZabcxyz0189-_']);
  return text.slice(0, at) + (other === text[at] ? '-' : other) + text.slice(at + 1);
}
