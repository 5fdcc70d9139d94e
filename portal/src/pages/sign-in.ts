// SPDX-License-Identifier: Apache-2.0
//
// Two fields, one button, the verdict beside it.

import type { App, Page } from '../app/context.js';
import { codeOf } from '../app/errors.js';
import type { ChainState } from '../app/keeper.js';
import { keepSession } from '../app/session.js';
import { h, replace } from '../view/dom.js';
import { errorNotice } from '../view/error.js';
import { field, validateAll } from '../view/form.js';
import { isOpen, locked } from '../view/lock.js';
import { button, chip, link, notice, pageHead, type Tone } from '../view/parts.js';
import { t } from '../view/words.js';
import { sentence } from './trust.js';

/** Where the person wanted to go before the sign-in. */
let wanted = '';

export function rememberWanted(hash: string): void {
  wanted = hash;
}

function verdictChip(state: ChainState, tone: Tone): HTMLElement {
  if (state.phase === 'refused') return chip('bad', t('pill.refused'));
  if (state.phase === 'checking') return chip('attention', t('pill.checking'), 'checking');
  return chip(tone, t(state.report?.simulated === true ? 'verdict.simulated' : 'verdict.accepted'), 'verified');
}

function verdictBox(app: App): { element: HTMLElement; dispose: () => void } {
  const element = h('aside', { class: 'sign-in-verdict', 'aria-live': 'polite', 'data-testid': 'sign-in-verdict' });
  const dispose = app.keeper.state.watch((state) => {
    const { tone, text, more } = sentence(state);
    replace(
      element, h('h2', {}, t('signIn.verdict')), verdictChip(state, tone), h('p', {}, text), more.map((line) => h('p', {}, line)),
      h('p', {}, link('#/trust', t(tone === 'bad' ? 'lock.why' : 'signIn.seeChain'))));
  });
  return { element, dispose };
}

export function signInPage(app: App): Page {
  const user = field({ name: 'user', label: t('signIn.user'), required: true, autocomplete: 'username' });
  const password = field({
    name: 'password', label: t('signIn.password'), type: 'password', required: true, autocomplete: 'current-password', maximum: 1024,
  });
  const message = h('div', {});
  const submit = button(t('signIn.button'), () => undefined, { kind: 'primary', submit: true, test: 'sign-in' });
  const run = async () => {
    if (!validateAll([user, password])) return;
    submit.disabled = true;
    submit.textContent = t('signIn.busy');
    replace(message);
    try {
      keepSession(await app.platform.signIn(user.value(), password.value()));
      const to = wanted;
      wanted = '';
      app.go(to === '' ? '#/' : to);
    } catch (thrown) {
      const wrong = codeOf(thrown) === 'ERR_SIGN_IN';
      replace(message, wrong ? notice('bad', t('signIn.wrong')) : errorNotice(thrown));
      password.set('');
      password.input.focus();
    } finally {
      submit.disabled = false;
      submit.textContent = t('signIn.button');
    }
  };
  const form = h('form', {
    class: 'sign-in-form', novalidate: true,
    on: { submit: (event) => { event.preventDefault(); void run(); } },
  }, user.element, password.element, message, submit);
  const lock = locked(app.keeper, form);
  const verdict = verdictBox(app);
  const again = wanted === '' ? null : notice('plain', t('signIn.again'));
  const element = h(
    'div', {}, pageHead(t('signIn.title')), again, h('div', { class: 'two-columns' }, lock.element, verdict.element));
  const stop = app.keeper.state.watch((state) => {
    // the fields were locked when the page came up: the focus follows as soon as they open
    if (isOpen(state) && !element.contains(document.activeElement?.closest('form') ?? null)) user.input.focus();
  });
  const dispose = () => {
    stop();
    lock.dispose();
    verdict.dispose();
  };
  return { title: t('signIn.title'), element, focus: user.input, dispose };
}
