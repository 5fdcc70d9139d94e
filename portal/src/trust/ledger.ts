// SPDX-License-Identifier: Apache-2.0
//
// What was checked, row by row, in the order in which it was checked. The trust page shows exactly these rows; the first
// that does not hold ends the check of its subject.

import { said } from './json.js';
import { Refusal, type Code, type Shown } from './refusal.js';

export type CheckId =
  | 'manifest.signature'
  | 'manifest.version'
  | 'evidence.reachable'
  | 'token.form'
  | 'token.type'
  | 'token.algorithm'
  | 'token.issuer'
  | 'token.key'
  | 'token.signature'
  | 'token.validity'
  | 'token.age'
  | 'token.nonce'
  | 'token.claims'
  | 'token.simulated'
  | 'token.debug'
  | 'token.policy'
  | 'token.service'
  | 'token.deployment'
  | 'token.identity'
  | 'token.tcb'
  | 'token.binding'
  | 'proof.signature'
  | 'proof.fresh'
  | 'proof.hashes'
  | 'appraisal.answer'
  | 'appraisal.keys'
  | 'channel.key'
  | 'statement.signature'
  | 'statement.audience'
  | 'statement.age'
  | 'statement.deployment'
  | 'statement.manifest'
  | 'statement.heads'
  | 'statement.hops'
  | 'hop.verdict';

export interface Check {
  readonly id: CheckId;
  readonly ok: boolean;
  readonly code: Code;
  readonly expected: Shown;
  readonly seen: Shown;
}

export class Ledger {
  readonly checks: Check[] = [];

  /** Writes the row; throws when it does not hold. */
  require(ok: boolean, id: CheckId, code: Code, expected: Shown, seen: Shown): void {
    this.checks.push({ id, ok, code: ok ? 'OK' : code, expected, seen });
    if (!ok) throw new Refusal(code, id, expected, seen);
  }

  passed(id: CheckId, expected: Shown, seen: Shown): void {
    this.require(true, id, 'OK', expected, seen);
  }

  /** Runs a step that refuses by throwing; either way the row is written. */
  async step<T>(id: CheckId, expected: Shown, seen: (result: T) => Shown, run: () => T | Promise<T>): Promise<T> {
    try {
      const result = await run();
      this.passed(id, expected, seen(result));
      return result;
    } catch (thrown) {
      const refusal = thrown instanceof Refusal ? thrown : new Refusal('ERR_CONFIG', id, expected, said(thrown));
      this.checks.push({ id, ok: false, code: refusal.code, expected: refusal.expected, seen: refusal.seen });
      throw refusal;
    }
  }

  get failed(): Check | undefined {
    return this.checks.find((check) => !check.ok);
  }
}
