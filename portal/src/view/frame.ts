// SPDX-License-Identifier: Apache-2.0
//
// What stands around every page: the hospital's name, the ways, the pill with the chain's verdict, the language, who is
// signed in, and the banner of a simulation, which cannot be closed.

import type { App } from '../app/context.js';
import type { ChainState } from '../app/keeper.js';
import { session, type Session } from '../app/session.js';
import { h, icon, replace, type IconName } from './dom.js';
import { ago } from './format.js';
import type { Tone } from './parts.js';
import { language, setLanguage, t } from './words.js';

const CHAIN = ['platform', 'gate', 'diagnosis'];
const TICK_MS = 20000;

function pillTone(state: ChainState): { tone: Tone; sign: IconName; word: string } {
  const { report, phase, slow } = state;
  const away = report?.failed?.check.code === 'ERR_CONNECT' || report?.failed?.check.code === 'ERR_TIMEOUT';
  if (phase === 'refused') return { tone: 'bad', sign: 'refused', word: t(away ? 'pill.away' : 'pill.refused') };
  if (phase === 'checking' || slow) return { tone: 'attention', sign: 'checking', word: t('pill.checking') };
  const whole = report?.subjects.every((item) => item.verdict === 'accepted') === true;
  return { tone: whole && report?.simulated === false ? 'good' : 'attention', sign: 'verified', word: t('pill.verified') };
}

function pillText(state: ChainState, word: string): string {
  const { report, phase } = state;
  if (report === undefined || phase === 'checking') return word;
  const good = report.subjects.filter((item) => CHAIN.includes(item.name) && item.verdict === 'accepted').length;
  return [word, t('pill.count', { good, all: CHAIN.length }), ago(report.at)].join(' · ');
}

function drawPill(pill: HTMLElement, state: ChainState): void {
  const { tone, sign, word } = pillTone(state);
  pill.className = `pill pill-${tone}`;
  pill.dataset.phase = state.phase;
  pill.setAttribute('aria-label', t('pill.label', { verdict: word }));
  replace(pill, icon(sign, 14), h('span', {}, pillText(state, word)));
}

function navLink(href: string, text: string, test: string, alsoFor: readonly string[] = []): HTMLElement {
  const current = [href, ...alsoFor].some((start) => location.hash.startsWith(start)) ? 'page' : undefined;
  return h('a', { href, 'aria-current': current, 'data-testid': test }, text);
}

function drawNav(nav: HTMLElement, who: Session | undefined, waiting: number): void {
  const role = who?.user.role;
  const inbox = waiting > 0 ? t('nav.inboxCount', { count: waiting }) : t('nav.inbox');
  replace(
    nav,
    role === 'clerk' || role === 'clinician'
      ? navLink('#/patients', t('nav.patients'), 'nav-patients', ['#/register', '#/reports']) : null,
    role === 'clinician' ? navLink('#/inbox', inbox, 'nav-inbox') : null,
    role === 'administrator' ? navLink('#/accounts', t('nav.accounts'), 'nav-accounts') : null);
}

function userMenu(who: Session, signOut: () => void): HTMLElement {
  const menu = h('details', {
    class: 'menu', 'data-testid': 'user-menu',
    on: {
      keydown: (event) => {
        if (event.key !== 'Escape') return;
        menu.open = false;
        menu.querySelector('summary')?.focus();
      },
      focusout: (event) => {
        if (!menu.contains(event.relatedTarget as Node | null)) menu.open = false;
      },
    },
  }, h('summary', { 'aria-label': t('user.menu', { name: who.user.name }) }, who.user.name, icon('menu', 14)),
  h('div', { class: 'menu-panel' }, h('p', {}, who.user.name, h('br'), h('span', { class: 'soft' }, t(`role.${who.user.role}`))),
    h('button', { type: 'button', class: 'button button-plain', 'data-testid': 'sign-out', on: { click: signOut } }, t('user.signOut'))));
  return menu;
}

function drawUser(place: HTMLElement, who: Session | undefined, signOut: () => void): void {
  replace(place, who === undefined
    ? h('a', { href: '#/sign-in', class: 'user-sign-in', 'data-testid': 'nav-sign-in' }, t('user.signIn'))
    : userMenu(who, signOut));
}

export interface Frame {
  readonly main: HTMLElement;
  /** Draws the words and marks anew, after a change of page or language. */
  redraw(): void;
}

/** Builds the frame into `root`, once. */
export function frame(app: App, root: HTMLElement, signOut: () => void): Frame {
  const main = h('main', { id: 'content' });
  const nav = h('nav', {});
  const pill = h('a', { href: '#/trust', 'data-testid': 'pill' });
  const banner = h('div', { class: 'banner', role: 'note', hidden: true, 'data-testid': 'simulation-banner' });
  const other = h('button', {
    type: 'button', class: 'language', 'data-testid': 'language',
    on: { click: () => setLanguage(language.value === 'en' ? 'zh' : 'en') },
  });
  const user = h('div', { class: 'user' });
  const skip = h('a', { class: 'skip', href: '#content', on: { click: (event) => { event.preventDefault(); main.focus(); } } });
  main.tabIndex = -1;
  const redraw = () => {
    replace(skip, t('app.skip'));
    nav.setAttribute('aria-label', t('app.navigation'));
    drawPill(pill, app.keeper.state.value);
    drawNav(nav, session.value, app.waiting.value);
    drawUser(user, session.value, signOut);
    replace(other, t('language.other'));
    other.setAttribute('aria-label', t('language.change'));
    banner.hidden = app.keeper.state.value.report?.simulated !== true;
    replace(banner, icon('attention', 16), h('span', {}, t('banner.simulated')));
  };
  app.keeper.state.watch(redraw);
  app.waiting.watch(redraw);
  session.watch(redraw);
  window.setInterval(() => drawPill(pill, app.keeper.state.value), TICK_MS);
  const home = h('a', { class: 'home', href: '#/' }, app.keeper.trust.hospital);
  root.replaceChildren(
    skip, h('header', { class: 'frame' }, h('div', { class: 'frame-row' }, home, nav, pill, other, user), banner), main);
  return { main, redraw };
}
