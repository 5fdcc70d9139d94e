// SPDX-License-Identifier: Apache-2.0
//
// Who is signed in. The session stands in memory and in this tab's own storage, so that a reload loses nothing; it is
// never part of an address, and goes when the tab does.

import { nowSeconds } from '../view/format.js';
import { Signal } from '../view/signal.js';
import { sessionOf } from './answers.js';
import { drop, dropTab, keep, stored } from './storage.js';

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
    const value = sessionOf(JSON.parse(stored('tab', STORED) ?? 'null'));
    return value.expires > nowSeconds() ? value : undefined;
  } catch {
    return undefined;
  }
}

export const session = new Signal<Session | undefined>(restored());

export function keepSession(value: Session): void {
  keep('tab', STORED, JSON.stringify(value));
  session.set(value);
}

/** The session is over, but the person is still at the desk: what was typed stays. */
export function loseSession(): void {
  drop('tab', STORED);
  session.set(undefined);
}

/** The person leaves: nothing typed stays in this tab. */
export function endSession(): void {
  dropTab();
  session.set(undefined);
}

export function maySeePatients(): boolean {
  const role = session.value?.user.role;
  return role === 'clerk' || role === 'clinician';
}
