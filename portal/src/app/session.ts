// SPDX-License-Identifier: Apache-2.0
//
// Who is signed in. The session stands in memory and in this tab's own storage, so that a reload loses nothing; it is
// never part of an address, and goes when the tab does.

import { isObject } from '../trust/json.js';
import { nowSeconds } from '../view/format.js';
import { Signal } from '../view/signal.js';

export type Role = 'clerk' | 'clinician' | 'administrator';

export interface User {
  readonly id: string;
  readonly user: string;
  readonly name: string;
  readonly role: Role;
}

export interface Session {
  readonly token: string;
  readonly expires: number;
  readonly user: User;
}

const STORED = 'lazaret.session';

function restored(): Session | undefined {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(STORED) ?? 'null');
    if (!isObject(value) || typeof value.expires !== 'number' || value.expires <= nowSeconds()) return undefined;
    return value as unknown as Session;
  } catch {
    return undefined;
  }
}

export const session = new Signal<Session | undefined>(restored());

export function keepSession(value: Session): void {
  sessionStorage.setItem(STORED, JSON.stringify(value));
  session.set(value);
}

/** The session is over, but the person is still at the desk: what was typed stays. */
export function loseSession(): void {
  sessionStorage.removeItem(STORED);
  session.set(undefined);
}

/** The person leaves: nothing typed stays in this tab. */
export function endSession(): void {
  sessionStorage.clear();
  session.set(undefined);
}

export function maySeePatients(): boolean {
  const role = session.value?.user.role;
  return role === 'clerk' || role === 'clinician';
}
