// SPDX-License-Identifier: Apache-2.0
//
// Films: a drop zone that is also a button, and a row for each file.

import type { App, Page } from '../app/context.js';
import { codeOf, errorText, reasonOf } from '../app/errors.js';
import { nameOf } from '../app/fhir.js';
import { begunFilms, FILM_MAX_BYTES, forgetBegun, Upload, type Begun, type UploadState } from '../app/uploads.js';
import { h, icon, replace, type Child } from '../view/dom.js';
import { errorNotice } from '../view/error.js';
import { fileSize, percent, span } from '../view/format.js';
import { isOpen, locked } from '../view/lock.js';
import { button, link, notice } from '../view/parts.js';
import { thumbnail, type Thumbnail } from '../view/picture.js';
import { t } from '../view/words.js';
import { patientLine } from './record.js';

type Format = 'dicom' | 'png' | 'jpeg' | 'unknown';

/** By its first bytes, as the platform will judge it too; names and types lie. */
export function recognise(bytes: Uint8Array): Format {
  const starts = (at: number, ...wanted: number[]) => wanted.every((byte, i) => bytes[at + i] === byte);
  if (starts(0, 0x89, 0x50, 0x4e, 0x47)) return 'png';
  if (starts(0, 0xff, 0xd8, 0xff)) return 'jpeg';
  return starts(128, 0x44, 0x49, 0x43, 0x4d) ? 'dicom' : 'unknown';
}

async function formatOf(file: File): Promise<Format> {
  return recognise(new Uint8Array(await file.slice(0, 132).arrayBuffer()));
}

/** Why a file is not even begun; undefined if it may be sent. */
function refusalOf(file: File, format: Format): string | undefined {
  if (file.size === 0) return t('films.refused.empty');
  if (file.size > FILM_MAX_BYTES) return t('films.refused.size', { size: fileSize(file.size) });
  return format === 'unknown' ? t('films.refused.format') : undefined;
}

function errorFor(state: UploadState): string {
  const code = codeOf(state.error);
  const reason = reasonOf(state.error);
  if (code === 'ERR_IMAGE_UNSUITABLE') return t('films.refused.unsuitable', { reason });
  if (state.phase === 'refused') return t('films.refused.picture', { reason });
  return t('films.refused.stopped', { reason: errorText(state.error) });
}

function progressText(state: UploadState, size: number): string {
  const done = { percent: percent(state.sent / size) };
  switch (state.phase) {
    case 'waiting': return t('films.waiting');
    case 'sending':
      return state.secondsLeft === undefined || state.secondsLeft < 2
        ? t('films.sendingSoon', done) : t('films.sending', { ...done, left: span(state.secondsLeft) });
    case 'paused': return t('films.paused', done);
    case 'checking': return t('films.checking');
    case 'reading': return t('films.ordering');
    case 'done':
    case 'read': return t('films.done', { width: state.film?.width ?? 0, height: state.film?.height ?? 0 });
    case 'cancelled': return t('films.cancelled');
    case 'refused':
    case 'stopped': return '';
  }
}

class FilmRow {
  readonly element: HTMLElement;
  private readonly status = h('div', { class: 'film-status' });
  private readonly bar: HTMLProgressElement;
  private readonly actions = h('div', { class: 'button-row' });
  private readonly picture = h('div', {}, h('div', { class: 'thumbnail' }, icon('film', 28)));
  private readonly kind = h('span', {});
  private image: Thumbnail | undefined;
  private drawn: UploadState['phase'] | undefined;
  private readonly stop: () => void;

  constructor(private readonly app: App, private readonly upload: Upload) {
    const { file } = upload;
    this.bar = h('progress', { max: Math.max(1, file.size), value: 0, 'aria-label': `${t('films.progress')}: ${file.name}` });
    void formatOf(file).then((format) => replace(this.kind, t(`films.format.${format}`)));
    this.element = h(
      'li', { class: 'film-row', 'data-testid': 'film-row' }, this.picture,
      h('div', { class: 'film-what' }, h('strong', {}, file.name),
        h('span', { class: 'soft' }, `${fileSize(file.size)} · `, this.kind), this.bar, this.status),
      this.actions);
    this.stop = upload.state.watch((state) => this.draw(state));
  }

  dispose(): void {
    this.stop();
    this.image?.dispose();
  }

  private draw(state: UploadState): void {
    const { upload } = this;
    this.element.dataset.phase = state.phase;
    this.bar.value = state.sent;
    this.element.setAttribute('aria-busy', String(state.phase === 'reading'));
    this.bar.hidden = !['waiting', 'sending', 'paused', 'checking', 'stopped'].includes(state.phase);
    replace(this.status, state.error === undefined ? progressText(state, upload.file.size) : this.failure(state));
    this.status.setAttribute('aria-live', state.phase === 'sending' ? 'off' : 'polite');
    if (this.drawn !== state.phase) replace(this.actions, this.buttons(state)); // a button must not vanish under a hand
    this.drawn = state.phase;
    if (state.film !== undefined && this.image === undefined) {
      this.image = thumbnail(this.app, state.film.film, t('films.thumbnail', { name: upload.file.name }));
      replace(this.picture, this.image.element);
    }
  }

  private failure(state: UploadState): HTMLElement {
    const arrived = state.phase !== 'refused' && state.phase !== 'stopped';
    return arrived ? errorNotice(state.error) : errorNotice(state.error, errorFor(state));
  }

  private buttons(state: UploadState): Child[] {
    const { upload } = this;
    const label = (text: string) => `${text}: ${upload.file.name}`;
    const go = (text: string) => button(text, () => void upload.run(), { kind: 'plain', test: 'resume', label: label(text) });
    const cancel = button(t('films.cancel'), () => void upload.cancel(), { kind: 'quiet', test: 'cancel', label: label(t('films.cancel')) });
    switch (state.phase) {
      case 'waiting':
      case 'checking': return [];
      case 'sending':
        return [button(t('films.pause'), () => upload.pause(), { test: 'pause', label: label(t('films.pause')) }), cancel];
      case 'paused': return [go(t('films.resume')), cancel];
      case 'stopped': return [go(t('films.again')), cancel];
      case 'done': return [button(t('films.order'), () => void this.order(), { kind: 'primary', test: 'order' })];
      case 'read': return [h('a', { class: 'button button-plain', href: `#/reports/${state.report ?? ''}` }, t('record.open'))];
      case 'reading':
      case 'cancelled':
      case 'refused': return [];
    }
  }

  /** Shows the result, if the person still looks at this page. */
  private async order(): Promise<void> {
    const report = await this.upload.order();
    if (report !== undefined && this.element.isConnected) this.app.go(`#/reports/${report}`);
  }
}

/** A film begun before a reload: the same file goes on where it stopped. */
function begunRow(patient: string, begun: Begun, redraw: () => void): HTMLElement {
  const done = percent(begun.sent / Math.max(1, begun.size));
  return h(
    'li', { class: 'film-row' }, h('div', { class: 'thumbnail' }, icon('film', 28)),
    h('div', { class: 'film-what' }, h('strong', {}, begun.name),
      h('span', { class: 'soft' }, fileSize(begun.size)), h('p', {}, t('films.pausedRow', { name: begun.name, percent: done }))),
    button(t('films.forget'), () => {
      forgetBegun(patient, begun.film);
      redraw();
    }, { kind: 'quiet' }));
}

class FilmsPage {
  readonly list = h('ul', { class: 'film-list' });
  readonly refusals = h('div', {});
  private readonly rows = new Map<Upload, FilmRow>();

  constructor(private readonly app: App, private readonly patient: string) {
    this.draw();
  }

  private get uploads(): Upload[] {
    return this.app.uploads.get(this.patient) ?? [];
  }

  dispose(): void {
    this.rows.forEach((row) => row.dispose());
  }

  draw(): void {
    const running = this.uploads.map((item) => item.file);
    const begun = begunFilms(this.patient).filter((item) =>
      !running.some((file) => file.name === item.name && file.size === item.size));
    const rows = this.uploads.map((upload) => {
      const row = this.rows.get(upload) ?? new FilmRow(this.app, upload);
      this.rows.set(upload, row);
      return row.element;
    });
    replace(this.list, rows, begun.map((item) => begunRow(this.patient, item, () => this.draw())));
  }

  /** Takes files one after the other: two at a time would only be slower. */
  async take(files: readonly File[]): Promise<void> {
    replace(this.refusals);
    const added: Upload[] = [];
    for (const file of files) {
      const why = refusalOf(file, await formatOf(file));
      if (why !== undefined) {
        this.refusals.append(notice('bad', h('strong', {}, file.name), ' ', why));
        continue;
      }
      const begun = begunFilms(this.patient).find((item) => item.name === file.name && item.size === file.size);
      added.push(new Upload(this.app.platform, this.patient, file, begun));
    }
    this.app.uploads.set(this.patient, [...this.uploads, ...added]);
    this.draw();
    for (const upload of added) await upload.run();
  }
}

function dropZone(page: FilmsPage, open: () => boolean): HTMLElement {
  const input = h('input', {
    type: 'file', multiple: true, class: 'visually-hidden', tabindex: -1, 'aria-hidden': 'true', 'data-testid': 'film-input',
    on: {
      change: () => {
        void page.take([...(input.files ?? [])]);
        input.value = '';
      },
    },
  });
  const zone = h('button', {
    type: 'button', class: 'drop-zone', 'data-testid': 'drop-zone',
    on: {
      click: () => input.click(),
      dragover: (event) => {
        event.preventDefault();
        zone.classList.add('drop-zone-over');
      },
      dragleave: () => zone.classList.remove('drop-zone-over'),
      drop: (event) => {
        event.preventDefault();
        zone.classList.remove('drop-zone-over');
        if (open()) void page.take([...(event.dataTransfer?.files ?? [])]);
      },
    },
  }, icon('plus', 28), h('span', { class: 'drop-title' }, t('films.drop')), h('span', { class: 'soft' }, t('films.dropHint')));
  return h('div', {}, zone, input);
}

export function filmsPage(app: App, [id = '']: readonly string[]): Page {
  const page = new FilmsPage(app, id);
  const heading = h('h1', { tabindex: -1 }, t('record.addFilm'));
  const who = h('div', {});
  const load = async () => {
    try {
      const patient = await app.platform.resource('Patient', id);
      replace(heading, t('films.title', { name: nameOf(patient) }));
      replace(who, patientLine(patient));
    } catch (thrown) {
      replace(who, errorNotice(thrown, undefined, () => void load()));
    }
  };
  void load();
  const lock = locked(app.keeper, dropZone(page, () => isOpen(app.keeper.state.value)));
  const element = h(
    'div', {}, h('div', { class: 'page-head' }, heading, h('div', { class: 'page-actions' }, link(`#/patients/${id}`, t('app.back')))),
    who, lock.element, page.refusals, page.list);
  const dispose = () => {
    lock.dispose();
    page.dispose();
  };
  return { title: t('record.addFilm'), element, focus: heading, dispose };
}

