// SPDX-License-Identifier: Apache-2.0
//
// Keeps the chain verified: at the start, before a statement ends, when the tab is looked at again, and whenever the
// channel asks. While there is no accepted report, entry is locked and nothing can be sealed.

import { verifyChain, type Accepted, type ChainReport, type TrustFile } from '../trust/chain.js';
import type { Send } from '../trust/fetching.js';
import { parseSeen, withoutHeads, type Memory } from '../trust/memory.js';
import { nowSeconds } from '../view/format.js';
import { Signal } from '../view/signal.js';
import { keep, stored } from './storage.js';

export interface ChainState {
  readonly phase: 'checking' | 'verified' | 'refused';
  /** a check has been running for over a second */
  readonly slow: boolean;
  readonly report?: ChainReport;
}

/** A statement lives for at least 540 s when it is given out; a browser's clock may be 300 s ahead. */
const REFRESH_S = 180;
const RETRY_S = 10;
const SLOW_MS = 1000;

function browserMemory(deployment: string): Memory {
  const name = `lazaret.seen.${deployment}`;
  return {
    load: () => parseSeen(stored('for-good', name)),
    save: (seen) => keep('for-good', name, JSON.stringify(seen)),
  };
}

export class Keeper {
  readonly state = new Signal<ChainState>({ phase: 'checking', slow: false });
  private running: Promise<void> | undefined;
  private timer = 0;
  private readonly memory: Memory;

  constructor(readonly trust: TrustFile, private readonly send: Send) {
    this.memory = browserMemory(trust.deployment);
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible' && this.isDue()) void this.verify();
    });
  }

  /** What requests may be sealed under now. */
  accepted(): Accepted | undefined {
    const { phase, report } = this.state.value;
    const accepted = phase === 'verified' ? report?.accepted : undefined;
    return accepted !== undefined && nowSeconds() < accepted.until ? accepted : undefined;
  }

  /** Verifies; a check that is under way already is the answer. */
  verify(): Promise<void> {
    this.running ??= this.run().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  /** As `verify`, with entry locked until the new chain is accepted. */
  async verifyLocked(): Promise<void> {
    await this.running;
    const { report } = this.state.value;
    this.state.set({ phase: 'checking', slow: false, ...(report === undefined ? {} : { report }) });
    await this.verify();
  }

  /** The records may be older than they were: somebody has said so. Everything else is checked as before. */
  acceptOlderRecords(): Promise<void> {
    this.memory.save(withoutHeads(this.memory.load()));
    return this.verify();
  }

  private isDue(): boolean {
    const { report } = this.state.value;
    return report === undefined || report.accepted === undefined || nowSeconds() - report.at > REFRESH_S / 2;
  }

  private async run(): Promise<void> {
    clearTimeout(this.timer);
    const slow = setTimeout(() => this.state.set({ ...this.state.value, slow: true }), SLOW_MS);
    try {
      const { trust, send, memory } = this;
      const report = await verifyChain({ trust, send, memory, now: nowSeconds });
      this.state.set({ phase: report.accepted === undefined ? 'refused' : 'verified', slow: false, report });
    } finally {
      clearTimeout(slow);
      const seconds = this.state.value.phase === 'verified' ? REFRESH_S : RETRY_S;
      this.timer = window.setTimeout(() => void this.verify(), seconds * 1000);
    }
  }
}
