// SPDX-License-Identifier: Apache-2.0
//
// A refusal on a page: the words first, the exact terms behind a disclosure.

import { errorText, exactTerms } from '../app/errors.js';
import { h } from './dom.js';
import { button, facts, notice } from './parts.js';
import { t } from './words.js';

/** `retry`: where the page itself could not be shown, a button asks anew. */
export function errorNotice(error: unknown, text = errorText(error), retry?: () => void): HTMLElement {
  const terms = exactTerms(error).filter(([, value]) => value !== '' && value !== '–');
  const rows = terms.map(([name, value]) => [t(`error.terms.${name}`), h('code', {}, value)] as const);
  const more = rows.length === 0 ? null : h('details', { class: 'terms' }, h('summary', {}, t('error.terms')), facts(rows));
  const again = retry === undefined ? null : button(t('error.again'), retry, { kind: 'quiet', test: 'again' });
  return notice('bad', h('p', {}, text), more, again);
}
