// SPDX-License-Identifier: Apache-2.0
//
// What this browser has seen before: the highest manifest version, and the highest generation of each store with its
// head. Kept outside the host's reach, so that a manifest or store that was set back is noticed (architecture 5.9).
// `since` is when it began to watch: where that is now, there is nothing to compare with, and the trust page says so.

import { isObject } from './json.js';

export interface Mark {
  readonly generation: number;
  readonly head: string;
}

export interface Head extends Mark {
  readonly store: string;
}

export interface Seen {
  readonly manifestVersion: number;
  readonly heads: Readonly<Record<string, Mark>>;
  /** Unix seconds of the first chain that was accepted here; 0 if there was none */
  readonly since: number;
}

export interface Memory {
  load(): Seen;
  /** Whether it is kept; a browser can refuse to. */
  save(seen: Seen): boolean;
}

export const NOTHING_SEEN: Seen = { manifestVersion: 0, heads: {}, since: 0 };

const STORES_MAX = 16;

/** Whether `head` is behind what was seen. One generation has one head. */
export function isOlder(before: Mark, head: Mark): boolean {
  if (head.generation > before.generation) return false;
  return head.generation < before.generation || head.head !== before.head;
}

/** What is known after a chain was accepted: never less than before, also where another tab noted more meanwhile. */
export function remember(seen: Seen, manifestVersion: number, heads: readonly Head[], now: number): Seen {
  const merged = new Map(Object.entries(seen.heads));
  for (const { store, generation, head } of heads) {
    const before = merged.get(store);
    if (before === undefined || generation > before.generation) merged.set(store, { generation, head });
  }
  return {
    manifestVersion: Math.max(seen.manifestVersion, manifestVersion),
    heads: Object.fromEntries([...merged].slice(-STORES_MAX)),
    since: seen.since === 0 ? now : seen.since,
  };
}

/** A person has decided that the records may be older than they were (a restored backup): the manifest still may not. */
export function withoutHeads(seen: Seen): Seen {
  return { ...seen, heads: {}, since: 0 };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isMark(value: unknown): value is Mark {
  return isObject(value) && isCount(value.generation) && typeof value.head === 'string';
}

/** What was stored, or nothing where it is not ours to read. */
export function parseSeen(text: string | null): Seen {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    if (!isObject(value) || !isCount(value.manifestVersion) || !isObject(value.heads)) return NOTHING_SEEN;
    const marks = Object.entries(value.heads).filter((entry): entry is [string, Mark & never] => isMark(entry[1]));
    return {
      manifestVersion: value.manifestVersion, heads: Object.fromEntries(marks), since: isCount(value.since) ? value.since : 0,
    };
  } catch {
    return NOTHING_SEEN;
  }
}
