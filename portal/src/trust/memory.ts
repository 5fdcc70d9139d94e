// SPDX-License-Identifier: Apache-2.0
//
// What this browser has seen before: the highest manifest version, and the highest generation of each store with its
// head. Kept outside the host's reach, so that a manifest or store that was set back is noticed (architecture 5.9).

import { isObject } from './json.js';

export interface Head {
  readonly store: string;
  readonly generation: number;
  readonly head: string;
}

export interface Seen {
  readonly manifestVersion: number;
  readonly heads: Readonly<Record<string, { readonly generation: number; readonly head: string }>>;
}

export interface Memory {
  load(): Seen;
  save(seen: Seen): void;
}

export const NOTHING_SEEN: Seen = { manifestVersion: 0, heads: {} };

const STORES_MAX = 16;

/** Undefined if `head` is not older than what was seen; else what was seen. One generation has one head. */
export function older(seen: Seen, head: Head): { generation: number; head: string } | undefined {
  const before = Object.hasOwn(seen.heads, head.store) ? seen.heads[head.store] : undefined;
  if (before === undefined || head.generation > before.generation) return undefined;
  return head.generation === before.generation && head.head === before.head ? undefined : before;
}

export function remember(seen: Seen, manifestVersion: number, heads: readonly Head[]): Seen {
  const merged = { ...seen.heads };
  for (const { store, generation, head } of heads) merged[store] = { generation, head };
  const kept = Object.entries(merged).slice(-STORES_MAX);
  return { manifestVersion: Math.max(seen.manifestVersion, manifestVersion), heads: Object.fromEntries(kept) };
}

/** What was stored, or nothing where it is not ours to read. */
export function parseSeen(text: string | null): Seen {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    if (!isObject(value) || typeof value.manifestVersion !== 'number' || !isObject(value.heads)) return NOTHING_SEEN;
    return value as unknown as Seen;
  } catch {
    return NOTHING_SEEN;
  }
}
