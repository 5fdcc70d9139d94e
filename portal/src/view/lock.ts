// SPDX-License-Identifier: Apache-2.0
//
// Data entry is open only while the chain is verified. A lock is a fieldset: what was typed in it stays.

import type { ChainState, Keeper } from '../app/keeper.js';
import { h, replace, type Child } from './dom.js';
import { link, notice } from './parts.js';
import { t } from './words.js';

export interface Lock {
  readonly element: HTMLElement;
  dispose(): void;
}

export function isOpen(state: ChainState): boolean {
  return state.phase === 'verified';
}

export function locked(keeper: Keeper, ...children: Child[]): Lock {
  const fields = h('fieldset', { class: 'lock' }, ...children);
  const message = h('div', { 'aria-live': 'polite' });
  const dispose = keeper.state.watch((state) => {
    fields.disabled = !isOpen(state);
    if (isOpen(state)) replace(message);
    else if (state.phase === 'refused') {
      replace(message, notice('bad', t('lock.refused'), ' ', link('#/trust', t('lock.why'))));
    } else replace(message, notice('attention', t('lock.checking')));
  });
  return { element: h('div', { class: 'lock-box' }, message, fields), dispose };
}
