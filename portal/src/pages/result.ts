// SPDX-License-Identifier: Apache-2.0
//
// A reading: the film on the left, the finding on the right, and where it comes from below.

import type { App, Page } from '../app/context.js';
import { pictureIn } from '../app/answers.js';
import { errorText } from '../app/errors.js';
import { nameOf, type Resource } from '../app/fhir.js';
import { filmOf, findingOf, readingOf, type Finding, type Reading } from '../app/reading.js';
import { fromBase64 } from '../trust/encoding.js';
import { Refusal } from '../trust/refusal.js';
import { checkReceipt, type ReceiptVerdict } from '../trust/receipt.js';
import { h, replace, type Child } from '../view/dom.js';
import { errorNotice } from '../view/error.js';
import { decimal, momentOf } from '../view/format.js';
import { chip, facts, identifier, link, loading, notice } from '../view/parts.js';
import { Viewer } from '../view/viewer.js';
import { t } from '../view/words.js';
import { patientLine } from './record.js';

const SIDE = 2048;
const HEAT_MAX_SIDE = 512;
const HEAT_MAX_LENGTH = 512 * 1024;

/** From unlikely to likely, with the score and the operating point marked. */
function scale(score: number, threshold: number | undefined): HTMLElement {
  const marker = h('div', { class: 'scale-score', title: decimal(score) });
  marker.style.setProperty('left', `${Math.round(score * 1000) / 10}%`);
  const point = threshold === undefined ? null : h('div', { class: 'scale-point', title: t('result.threshold') });
  point?.style.setProperty('left', `${Math.round((threshold ?? 0) * 1000) / 10}%`);
  const said = t('result.scale', { score: decimal(score), threshold: threshold === undefined ? '–' : decimal(threshold) });
  return h(
    'div', { class: 'scale', role: 'img', 'aria-label': said }, h('div', { class: 'scale-line' }, point, marker),
    h('div', { class: 'scale-ends' }, h('span', {}, t('result.scaleLow')), h('span', {}, t('result.scaleHigh'))));
}

function findingBox(finding: Finding, reading: Reading): Child[] {
  const numbers: [string, Child][] = [[t('result.score'), decimal(finding.score)]];
  if (reading.threshold !== undefined) numbers.push([t('result.threshold'), decimal(reading.threshold)]);
  return [
    h('p', { class: 'finding', 'data-testid': 'finding', 'data-positive': String(finding.positive) },
      t(finding.positive ? 'result.likely' : 'result.unlikely')),
    scale(finding.score, reading.threshold), facts(numbers), h('p', { class: 'soft' }, t('result.for')),
    chip('attention', t('result.preliminary')),
  ];
}

function unsuitableBox(reading: Reading): Child[] {
  return [
    h('p', { class: 'finding', 'data-testid': 'finding', 'data-positive': 'none' }, t('result.unsuitable')),
    notice('attention', h('p', {}, t('result.unsuitableText')), reading.conclusion === '' ? null : h('p', {}, reading.conclusion),
      h('p', {}, t('result.unsuitableTodo'))),
  ];
}

const RECEIPT_WORD = { signed: 'result.receiptSigned', 'other-key': 'result.receiptOther', bad: 'result.receiptBad' } as const;
const RECEIPT_TONE = { signed: 'good', 'other-key': 'plain', bad: 'bad' } as const;

function receiptNotice(verdict: ReceiptVerdict): HTMLElement {
  return notice(RECEIPT_TONE[verdict], t(RECEIPT_WORD[verdict]));
}

function receiptBox(app: App, receipt: string): HTMLElement {
  const verdict = h('div', {}, loading());
  const hop = app.keeper.state.value.report?.subjects.find((item) => item.name === 'diagnosis');
  void checkReceipt(receipt, hop?.claims?.runtime.keys.sign).then((found) => replace(verdict, receiptNotice(found)));
  return h('div', {}, h('p', {}, t('result.receiptText')), verdict, h('pre', { class: 'receipt', tabindex: 0 }, receipt));
}

function provenance(app: App, reading: Reading): HTMLElement {
  const sentence = t(reading.status === 'cancelled' ? 'result.judged' : 'result.provenance', { model: reading.model, version: reading.version, time: momentOf(reading.issued) });
  return h(
    'section', { class: 'provenance' }, reading.model === '' ? null : h('p', { 'data-testid': 'provenance' }, sentence),
    h('details', { 'data-testid': 'receipt' }, h('summary', {}, t('result.receipt')),
      facts([
        [t('result.model'), `${reading.model} ${reading.version}`], [t('result.digest'), identifier(reading.digest)],
        [t('result.report'), identifier(reading.id)], [t('result.conclusion'), reading.conclusion || '–'],
      ]),
      reading.receipt === undefined ? null : receiptBox(app, reading.receipt)));
}

class ResultPage {
  readonly heading = h('h1', { tabindex: -1 }, t('result.title'));
  readonly stage = h('div', { class: 'viewer-place' }, loading());
  readonly side = h('div', { class: 'result-side' }, loading());
  readonly who = h('div', {});
  private viewer: Viewer | undefined;
  private gone = false;

  constructor(private readonly app: App, private readonly id: string) {}

  dispose(): void {
    this.gone = true;
    this.viewer?.dispose();
  }

  async load(): Promise<void> {
    try {
      const reading = readingOf(await this.app.platform.resource('DiagnosticReport', this.id));
      void this.showFilm(reading);
      const { platform } = this.app;
      const [patient, observation] = await Promise.all([
        platform.resource('Patient', reading.patient),
        reading.observation === '' ? undefined : platform.resource('Observation', reading.observation),
      ]);
      this.showFinding(reading, patient, observation);
    } catch (thrown) {
      replace(this.side, errorNotice(thrown, undefined, () => void this.load()));
      replace(this.stage, h('p', { class: 'viewer-empty' }, t('result.noFilm')));
    }
  }

  private showFinding(reading: Reading, patient: Resource, observation: Resource | undefined): void {
    replace(this.heading, nameOf(patient));
    replace(this.who, patientLine(patient));
    const finding = observation === undefined || reading.status === 'cancelled' ? undefined : findingOf(observation);
    if (observation !== undefined && reading.status !== 'cancelled' && finding === undefined) {
      throw new Refusal('ERR_HTTP_TYPE', 'Observation.valueQuantity', '0 to 1');
    }
    replace(
      this.side, finding === undefined ? unsuitableBox(reading) : findingBox(finding, reading), provenance(this.app, reading),
      h('p', {}, link(`#/patients/${reading.patient}`, t('result.toRecord', { name: nameOf(patient) }))));
  }

  private async showFilm(reading: Reading): Promise<void> {
    try {
      const study = await this.app.platform.resource('ImagingStudy', reading.study);
      const viewer = await Viewer.of(await this.app.platform.filmImage(filmOf(study), SIDE));
      if (this.gone) return;
      this.viewer = viewer;
      replace(this.stage, viewer.element);
      if (reading.heatmap !== undefined && reading.heatmap.length <= HEAT_MAX_LENGTH) {
        await viewer.setHeatmap(pictureIn(fromBase64(reading.heatmap, 'heatmap'), HEAT_MAX_SIDE));
      }
    } catch (thrown) {
      replace(this.stage, h('p', { class: 'viewer-empty' }, t('result.noFilm'), ' ', errorText(thrown)));
    }
  }
}

export function resultPage(app: App, [id = '']: readonly string[]): Page {
  const page = new ResultPage(app, id);
  void page.load();
  const element = h(
    'div', {}, h('div', { class: 'page-head' }, page.heading), page.who,
    h('div', { class: 'result' }, page.stage, page.side));
  return { title: t('result.page'), element, focus: page.heading, wide: true, dispose: () => page.dispose() };
}
