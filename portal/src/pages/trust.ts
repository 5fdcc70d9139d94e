// SPDX-License-Identifier: Apache-2.0
//
// The trust page: one sentence first, then the chain as a picture, then every check as a row.

import type { App, Page } from '../app/context.js';
import type { ChainState } from '../app/keeper.js';
import type { Check, CheckId } from '../trust/ledger.js';
import type { ChainReport, Subject, SubjectName } from '../trust/chain.js';
import type { Shown } from '../trust/refusal.js';
import type { TokenClaims } from '../trust/token.js';
import { h, icon, replace, type Child } from '../view/dom.js';
import { ago, moment, nowSeconds, shown, span } from '../view/format.js';
import { button, chip, facts, identifier, type Tone } from '../view/parts.js';
import { t, wordOr, type Parameters } from '../view/words.js';

type CardName = 'browser' | 'platform' | 'gate' | 'diagnosis';

const CARDS: readonly CardName[] = ['browser', 'platform', 'gate', 'diagnosis'];
const CLOCK_CODES = ['ERR_TOKEN_NOT_YET_VALID'];
const WAIT_CODES = ['ERR_CONNECT', 'ERR_TIMEOUT', 'ERR_HTTP_STATUS', 'ERR_TOKEN_EXPIRED'];

/** The browser's card stands for the manifest that it checks. */
function subjectOf(report: ChainReport | undefined, card: CardName): Subject | undefined {
  const name: SubjectName = card === 'browser' ? 'manifest' : card;
  return report?.subjects.find((item) => item.name === name);
}

export function reasonText(check: Check, subject?: Subject): string {
  const parameters: Parameters = { seen: shown(check.seen), expected: shown(check.expected) };
  // where the platform refused a hop, its own reason says more, unless it needs figures that stand there alone
  const deeper = check.code === 'ERR_PEER_REFUSED' ? wordOr(`reason.${subject?.hop?.code ?? ''}`, '') : '';
  if (deeper !== '' && !deeper.includes('{')) return deeper;
  return wordOr(`reason.${check.code}`, t('reason.other'), parameters);
}

function todo(subject: SubjectName, check: Check): string {
  if (CLOCK_CODES.includes(check.code)) return t('todo.clock');
  if (WAIT_CODES.includes(check.code)) return t('todo.wait');
  return subject === 'manifest' ? t('todo.manifest') : t('todo.person');
}

function isAway(report: ChainReport): boolean {
  const code = report.failed?.check.code;
  return code === 'ERR_CONNECT' || code === 'ERR_TIMEOUT';
}

/** The sentence that stands first, here and beside the sign-in. */
export function sentence(state: ChainState): { tone: Tone; text: string; more: string[] } {
  const { report, phase } = state;
  if (report === undefined || (phase === 'checking' && report.accepted !== undefined)) {
    return { tone: 'attention', text: t('trust.checking'), more: [] };
  }
  if (report.failed === undefined) {
    const version = report.version ?? t('app.unknown');
    const text = t(report.simulated ? 'trust.goodSimulated' : 'trust.good', { version });
    return { tone: report.simulated ? 'attention' : 'good', text, more: [] };
  }
  const { subject, check } = report.failed;
  const failing = report.subjects.find((item) => item.name === subject);
  const parameters = { subject: t(`subject.${subject}`), reason: reasonText(check, failing) };
  const text = t(isAway(report) ? 'trust.away' : 'trust.bad', parameters);
  return { tone: 'bad', text, more: [t('trust.nothingSent'), t('trust.todo', { todo: todo(subject, check) })] };
}

function toneOf(subject: Subject | undefined): Tone {
  if (subject === undefined || subject.verdict === 'unknown') return 'plain';
  if (subject.verdict === 'refused') return 'bad';
  if (subject.verdict === 'unreachable') return 'attention';
  return subject.claims?.simulated === true ? 'attention' : 'good';
}

function verdictChip(subject: Subject | undefined): HTMLElement {
  const tone = toneOf(subject);
  const verdict = subject?.verdict ?? 'unknown';
  const isSimulated = verdict === 'accepted' && subject?.claims?.simulated === true;
  return chip(tone, isSimulated ? t('verdict.simulated') : t(`verdict.${verdict}`), isSimulated ? 'verified' : undefined);
}

function proofAge(card: CardName, subject: Subject | undefined): string {
  if (subject?.proven === undefined) return '–';
  const when = { ago: ago(subject.proven) };
  return card === 'browser' ? t('trust.manifestAge', when) : t('trust.proofAge', when);
}

function valueOf(value: Shown): Child {
  const text = shown(value);
  return typeof value === 'string' && /^\S{25,}$/.test(text) ? identifier(text, 21) : text;
}

function checkRow(check: Check): HTMLElement {
  const sign = check.ok ? chip('good', t('trust.checks.holds')) : chip('bad', t('trust.checks.fails'));
  const reason = check.ok ? null : h('div', { class: 'check-reason' }, `${reasonText(check)} · `, h('code', {}, check.code));
  return h(
    'tr', { 'data-check': check.id, 'data-ok': String(check.ok) }, h('td', {}, sign),
    h('td', {}, t(`check.${check.id satisfies CheckId}`), reason), h('td', {}, valueOf(check.seen)),
    h('td', {}, valueOf(check.expected)));
}

function checkTable(checks: readonly Check[]): HTMLElement {
  if (checks.length === 0) return h('p', { class: 'soft' }, t('trust.notChecked'));
  const head = ['', t('trust.checks.what'), t('trust.checks.seen'), t('trust.checks.expected')];
  return h(
    'div', { class: 'table-box' },
    h('table', { class: 'checks' }, h('caption', {}, t('trust.checks')),
      h('thead', {}, h('tr', {}, head.map((text) => h('th', { scope: 'col' }, text)))),
      h('tbody', {}, checks.map(checkRow))));
}

function keyRows(claims: TokenClaims): [string, Child][] {
  return (['tls', 'sign', 'hpke'] as const).flatMap((use) => {
    const key = claims.runtime.keys[use];
    return key === undefined ? [] : [[t(`trust.keyFor.${use}`), identifier(key.thumbprint)] as [string, Child]];
  });
}

function claimFacts(claims: TokenClaims): HTMLElement {
  return facts([
    [t('trust.measurement'), identifier(claims.mrenclave)],
    [t('trust.signer'), identifier(claims.mrsigner)],
    [t('trust.product'), `${claims.productId} / ${claims.svn}`],
    [t('trust.published'), `${claims.runtime.service} ${claims.runtime.version}`],
    [t('trust.tcb'), claims.tcbStatus ?? t('trust.tcbByPolicy')],
    [t('trust.tokenAge'), span(Math.max(0, nowSeconds() - claims.issued))],
    [t('trust.policy'), identifier(claims.policyHash)],
    [t('trust.issuer'), claims.issuer],
    ...keyRows(claims),
  ]);
}

function details(card: CardName, subject: Subject | undefined): HTMLElement {
  const hop = subject?.hop;
  const said = hop === undefined || hop.reason === '' ? null
    : h('p', {}, t('trust.platformSays', { reason: hop.reason }), ' · ', h('code', {}, hop.code));
  return h(
    'section', { class: 'trust-details', id: `details-${card}`, 'data-testid': `details-${card}` },
    h('h2', {}, t('trust.detailsOf', { subject: t(`card.${card}`) })), said,
    subject?.claims === undefined ? null : claimFacts(subject.claims), checkTable(subject?.checks ?? []));
}

/** Says it where there is nothing to compare with: a cleared memory must not pass for a good one. */
function watching(report: ChainReport | undefined): HTMLElement | null {
  const memory = report?.memory;
  if (report === undefined || memory === undefined) return null;
  const text = !memory.kept ? t('trust.watchesNot') : report.at - memory.since < 2 ? t('trust.watchesFirst') : moment(memory.since);
  return h('p', { class: 'soft', 'data-testid': 'watches' }, `${t('trust.watches')}: ${text}`);
}

/** Records that are older than this browser knows: a restore from a backup is confirmed by a person, never by itself. */
function olderRecords(app: App, report: ChainReport | undefined): HTMLElement | null {
  if (report?.failed?.check.code !== 'ERR_STORE_ROLLBACK') return null;
  return h(
    'section', { class: 'still-trusted' }, h('p', {}, t('trust.olderText')),
    button(t('trust.olderAccept'), () => void app.keeper.acceptOlderRecords(), { kind: 'quiet', test: 'accept-older' }));
}

function card(name: CardName, report: ChainReport | undefined, open: CardName | undefined, toggle: () => void): HTMLElement {
  const subject = subjectOf(report, name);
  const isOpen = open === name;
  const away = name === 'gate' && subject?.verdict === 'unreachable';
  return h(
    'article', { class: `card card-${toneOf(subject)} place-${name}`, 'data-testid': `card-${name}`, 'data-verdict': subject?.verdict ?? 'unknown' },
    h('div', { class: 'card-head' }, h('h2', {}, t(`card.${name}`)), verdictChip(subject)),
    facts([
      [t('trust.operator'), t(`operator.${name}`)],
      [t('trust.maySee'), t(`sees.${name}`)],
      [t('trust.proof'), proofAge(name, subject)],
    ], 'facts facts-card'),
    away ? h('p', { class: 'soft' }, t('gate.away')) : null,
    name === 'browser' ? watching(report) : null,
    h('button', {
      type: 'button', class: 'button button-quiet', 'aria-expanded': String(isOpen), 'aria-controls': `details-${name}`,
      'aria-label': t('trust.detailsOf', { subject: t(`card.${name}`) }), on: { click: toggle },
    }, t('trust.details'), icon('menu', 14)));
}

function arrow(direction: 'right' | 'down', text: string, place: string): HTMLElement {
  return h('div', { class: `arrow arrow-${direction} ${place}` }, h('span', {}, text), icon(direction, 20));
}

function stillTrusted(app: App): HTMLElement {
  return h(
    'section', { class: 'still-trusted' }, h('h2', {}, t('trust.stillTrusted')),
    h('ul', {}, h('li', {}, t('trust.stillOrigin', { origin: location.origin })),
      h('li', {}, t('trust.stillAttestation', { address: app.keeper.trust.attestation }))));
}

/** Which card is open: the one that the person opened, or the one that failed. */
function openCard(chosen: CardName | 'none' | undefined, report: ChainReport | undefined): CardName | undefined {
  if (chosen === 'none') return undefined;
  if (chosen !== undefined) return chosen;
  const failed = report?.failed?.subject;
  return failed === 'manifest' ? 'browser' : failed;
}

export function trustPage(app: App): Page {
  const head = h('div', { class: 'verdict', 'aria-live': 'polite' });
  const picture = h('div', { class: 'chain', role: 'group', 'aria-label': t('trust.picture') });
  const panel = h('div', {});
  let chosen: CardName | 'none' | undefined;
  const title = h('h1', { tabindex: -1 });
  const draw = (state: ChainState) => {
    const { report } = state;
    const { tone, text, more } = sentence(state);
    head.className = `verdict verdict-${tone}`;
    replace(title, text);
    const again = button(t('trust.checkAgain'), () => void app.keeper.verify(), { kind: 'quiet', test: 'check-again' });
    const when = report === undefined ? '' : t('trust.checkedAt', { ago: ago(report.at) });
    replace(
      head, icon(tone === 'bad' ? 'refused' : tone === 'good' ? 'verified' : 'attention', 36),
      h('div', {}, title, more.map((line) => h('p', {}, line)),
        h('p', { class: 'soft checked-at', title: report === undefined ? undefined : moment(report.at) }, when, ' ', again)));
    const open = openCard(chosen, report);
    const cards = CARDS.map((name) => card(name, report, open, () => {
      chosen = open === name ? 'none' : name;
      draw(app.keeper.state.value);
      picture.querySelector<HTMLElement>(`.place-${name} button`)?.focus();
    }));
    replace(
      picture, cards[0], arrow('right', t('arrow.sealed'), 'place-sealed'), cards[1],
      arrow('right', t('arrow.attested'), 'place-attested'), cards[3], arrow('down', t('arrow.attested'), 'place-cache'), cards[2]);
    replace(panel, olderRecords(app, report), open === undefined ? null : details(open, subjectOf(report, open)));
  };
  const dispose = app.keeper.state.watch(draw);
  const element = h('div', { class: 'trust-page' }, head, picture, panel, stillTrusted(app));
  return { title: t('trust.title'), element, focus: title, wide: true, dispose };
}

