// SPDX-License-Identifier: Apache-2.0
//
// One patient: who it is, the films with their readings, and what the desk took down.

import type { App, Page } from '../app/context.js';
import { listAt, nameOf, ofType, telecom, textAt, type Resource } from '../app/fhir.js';
import { filmOf, readingOf, verdictOf, type Reading } from '../app/reading.js';
import { newIdempotencyKey } from '../channel/sealed.js';
import { Refusal } from '../trust/refusal.js';
import { h, icon, replace, type Child } from '../view/dom.js';
import { errorNotice } from '../view/error.js';
import { ageOf, day, momentOf } from '../view/format.js';
import { isOpen } from '../view/lock.js';
import { button, chip, facts, link, loading } from '../view/parts.js';
import { thumbnail, type Thumbnail } from '../view/picture.js';
import { t, wordOr } from '../view/words.js';

export function verdictChipOf(verdict: ReturnType<typeof verdictOf>): HTMLElement {
  if (verdict === 'likely') return chip('attention', t('result.likely'));
  return verdict === 'unlikely' ? chip('plain', t('result.unlikely'), 'unknown') : chip('plain', t('result.unsuitable'), 'unknown');
}

/** Name, birth and number: which patient this is, on every page about one. */
export function patientLine(patient: Resource): HTMLElement {
  const birth = textAt(patient, 'birthDate');
  const parts = [`${day(birth)} (${ageOf(birth)})`, wordOr(`sex.${textAt(patient, 'gender')}`, '')];
  const number = textAt(patient, 'identifier', 0, 'value');
  return h('p', { class: 'patient-line' }, parts.filter((part) => part !== '').join(' · '), number === '' ? null : [' · ', h('code', {}, number)]);
}

class FilmCards {
  private readonly thumbnails: Thumbnail[] = [];
  constructor(private readonly app: App, private readonly patient: string) {}

  dispose(): void {
    this.thumbnails.forEach((item) => item.dispose());
  }

  card(study: Resource, readings: readonly Reading[], observations: readonly Resource[]): HTMLElement {
    const title = t('record.film', { date: momentOf(textAt(study, 'started')) });
    const picture = thumbnail(this.app, filmOf(study), title);
    this.thumbnails.push(picture);
    const own = readings.filter((item) => item.study === textAt(study, 'id'));
    const rows = own.map((item) => {
      const observation = observations.find((other) => textAt(other, 'id') === item.observation);
      return h(
        'p', { class: 'reading-row' }, verdictChipOf(verdictOf(item, observation)), ' ',
        link(`#/reports/${item.id}`, t('record.open')), h('span', { class: 'soft' }, ` ${momentOf(item.issued)}`));
    });
    const order = own.length > 0 ? null : this.orderButton(textAt(study, 'id'));
    return h('article', { class: 'card film-card', 'data-testid': 'film-card' }, picture.element,
      h('div', {}, h('h3', {}, title), rows, order));
  }

  private orderButton(study: string): HTMLElement {
    const key = newIdempotencyKey();
    const message = h('div', {});
    const run = async () => {
      order.disabled = true;
      replace(message, h('p', { class: 'busy', role: 'status' }, t('films.ordering')));
      try {
        this.app.go(`#/reports/${await this.app.platform.order(this.patient, study, key)}`);
      } catch (thrown) {
        replace(message, errorNotice(thrown));
        order.disabled = false;
      }
    };
    const order = button(t('record.order'), () => void run(), { kind: 'plain', test: 'order' });
    order.disabled = !isOpen(this.app.keeper.state.value);
    return h('div', {}, order, message);
  }
}

function section(title: string, items: readonly Child[]): HTMLElement {
  const list = items.length === 0 ? h('p', { class: 'soft' }, t('record.nothing')) : h('ul', {}, items.map((item) => h('li', {}, item)));
  return h('section', { class: 'record-section' }, h('h2', {}, title), list);
}

function allergyText(item: Resource): string {
  const risk = textAt(item, 'criticality');
  const said = risk === '' || risk === 'unable-to-assess' ? '' : ` (${t('register.allergyRisk')}: ${wordOr(`register.risk.${risk}`, risk)})`;
  return `${textAt(item, 'code', 'text')}${said}`;
}

function contact(patient: Resource): HTMLElement {
  const line = [
    ...listAt(patient, 'address', 0, 'line').map((_, i) => textAt(patient, 'address', 0, 'line', i)), textAt(patient, 'address', 0, 'postalCode'),
    textAt(patient, 'address', 0, 'city'), textAt(patient, 'address', 0, 'country'),
  ].filter((part) => part !== '').join(', ');
  return h('section', { class: 'record-section' }, h('h2', {}, t('record.contact')), facts([
    [t('register.street'), line || '–'], [t('register.phone'), telecom(patient, 'phone') || '–'],
    [t('register.email'), telecom(patient, 'email') || '–'],
  ]));
}

function desk(patient: Resource, all: readonly Resource[]): HTMLElement {
  const visits = ofType(all, 'Encounter').map((item) =>
    `${momentOf(textAt(item, 'period', 'start'))}: ${textAt(item, 'reasonCode', 0, 'text')}`);
  const insurance = ofType(all, 'Coverage').map((item) =>
    [textAt(item, 'payor', 0, 'display'), textAt(item, 'subscriberId')].filter((part) => part !== '').join(' · '));
  return h(
    'div', { class: 'record-grid' },
    section(t('record.allergies'), ofType(all, 'AllergyIntolerance').map(allergyText)),
    section(t('record.conditions'), ofType(all, 'Condition').map((item) => textAt(item, 'code', 'text'))),
    section(t('record.visits'), visits), section(t('record.insurance'), insurance), contact(patient));
}

export function recordPage(app: App, [id = '']: readonly string[]): Page {
  const heading = h('h1', { tabindex: -1 }, t('record.page'));
  const addFilm = h('a', { class: 'button button-primary', href: `#/patients/${id}/films`, 'data-testid': 'add-film' },
    icon('plus', 16), t('record.addFilm'));
  const body = h('div', {}, loading());
  const cards = new FilmCards(app, id);
  const load = async () => {
    try {
      const all = await app.platform.everything(id);
      const patient = ofType(all, 'Patient')[0];
      if (patient === undefined) throw new Refusal('ERR_HTTP_TYPE', 'Bundle.entry', 'Patient');
      replace(heading, nameOf(patient));
      const readings = ofType(all, 'DiagnosticReport').map(readingOf);
      const observations = ofType(all, 'Observation');
      const studies = ofType(all, 'ImagingStudy').sort((a, b) => textAt(b, 'started').localeCompare(textAt(a, 'started')));
      const films = studies.map((study) => cards.card(study, readings, observations));
      replace(
        body, patientLine(patient), h('h2', {}, t('record.films')),
        films.length === 0 ? h('p', { class: 'empty' }, t('record.noFilms')) : h('div', { class: 'film-cards' }, films),
        desk(patient, all));
    } catch (thrown) {
      replace(body, errorNotice(thrown, undefined, () => void load()));
    }
  };
  void load();
  const element = h('div', {}, h('div', { class: 'page-head' }, heading, h('div', { class: 'page-actions' }, addFilm)), body);
  return { title: t('record.page'), element, focus: heading, dispose: () => cards.dispose() };
}

