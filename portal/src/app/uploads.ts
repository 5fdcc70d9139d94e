// SPDX-License-Identifier: Apache-2.0
//
// Sending one film in sealed parts: progress, pause, going on (also after a reload, with the same file), cancel.

import { newIdempotencyKey } from '../channel/sealed.js';
import { hex, sha256, type Bytes } from '../trust/encoding.js';
import { Signal } from '../view/signal.js';
import { wasStopped } from './errors.js';
import { keep, stored } from './storage.js';
import type { CompleteFilm, Platform, StagedFilm } from './platform.js';

export const FILM_MAX_BYTES = 64 * 1024 * 1024;

export type UploadPhase =
  'waiting' | 'sending' | 'paused' | 'checking' | 'done' | 'reading' | 'read' | 'cancelled' | 'refused' | 'stopped';

export interface UploadState {
  readonly phase: UploadPhase;
  readonly sent: number;
  readonly secondsLeft?: number;
  readonly error?: unknown;
  readonly film?: CompleteFilm;
  /** the reading's id, once the model has read the film */
  readonly report?: string;
}

/** A film that was begun in this tab and not finished: the same file goes on where it stopped. */
export interface Begun extends StagedFilm {
  readonly name: string;
  readonly size: number;
  readonly sent: number;
}

const storeName = (patient: string) => `lazaret.films.${patient}`;

export function begunFilms(patient: string): Begun[] {
  try {
    const value: unknown = JSON.parse(stored('tab', storeName(patient)) ?? '[]');
    return Array.isArray(value) ? (value as Begun[]) : [];
  } catch {
    return [];
  }
}

export function forgetBegun(patient: string, film: string): void {
  const rest = begunFilms(patient).filter((item) => item.film !== film);
  keep('tab', storeName(patient), JSON.stringify(rest));
}

function rememberBegun(patient: string, begun: Begun): void {
  forgetBegun(patient, begun.film);
  keep('tab', storeName(patient), JSON.stringify([...begunFilms(patient), begun]));
}

async function bytesOf(file: Blob): Promise<Bytes> {
  return new Uint8Array(await file.arrayBuffer());
}

export class Upload {
  readonly state = new Signal<UploadState>({ phase: 'waiting', sent: 0 });
  private staged: StagedFilm | undefined;
  private control = new AbortController();
  private started = 0;
  private sentBefore = 0;
  private readonly orderKey = newIdempotencyKey();

  constructor(private readonly platform: Platform, readonly patient: string, readonly file: File, begun?: Begun) {
    this.staged = begun;
  }

  private set(change: Partial<UploadState>): void {
    this.state.set({ ...this.state.value, ...change });
  }

  private is(...phases: UploadPhase[]): boolean {
    return phases.includes(this.state.value.phase);
  }

  /** Sends what is not there yet, then completes. */
  async run(): Promise<void> {
    this.control = new AbortController();
    this.set({ phase: 'sending', error: undefined });
    try {
      const staged = await this.stage();
      await this.sendParts(staged);
      this.set({ phase: 'checking' });
      const film = await this.platform.completeFilm(staged.film, hex(await sha256(await bytesOf(this.file))));
      forgetBegun(this.patient, staged.film);
      this.set({ phase: 'done', film, sent: this.file.size });
    } catch (thrown) {
      this.failed(thrown);
    }
  }

  private failed(thrown: unknown): void {
    if (this.is('paused', 'cancelled') && (wasStopped(thrown) || this.control.signal.aborted)) return;
    const refused = (thrown as { status?: unknown }).status === 422;
    if (refused && this.staged !== undefined) forgetBegun(this.patient, this.staged.film);
    this.set({ phase: refused ? 'refused' : 'stopped', error: thrown });
  }

  private async stage(): Promise<StagedFilm> {
    if (this.staged !== undefined) return this.staged;
    this.staged = await this.platform.stageFilm(this.patient, this.file.size, this.file.name);
    this.note(0);
    return this.staged;
  }

  private note(sent: number): void {
    if (this.staged === undefined) return;
    rememberBegun(this.patient, { ...this.staged, name: this.file.name, size: this.file.size, sent });
  }

  private async sendParts(staged: StagedFilm): Promise<void> {
    const received = await this.platform.receivedParts(staged);
    const missing = Array.from({ length: staged.parts }, (_, part) => part).filter((part) => !received.includes(part));
    let sent = Math.min(received.length * staged.partSize, this.file.size);
    [this.started, this.sentBefore] = [Date.now(), sent];
    this.set({ sent });
    for (const part of missing) {
      this.control.signal.throwIfAborted();
      const bytes = await bytesOf(this.file.slice(part * staged.partSize, (part + 1) * staged.partSize));
      await this.platform.sendPart(staged.film, part, bytes, this.control.signal);
      sent += bytes.length;
      this.note(sent);
      this.set({ sent, secondsLeft: this.secondsLeft(sent) });
    }
  }

  private secondsLeft(sent: number): number {
    const rate = (sent - this.sentBefore) / Math.max(1, Date.now() - this.started);
    return (this.file.size - sent) / Math.max(rate, 1e-9) / 1000;
  }

  /** Has the model read the film; undefined if that did not work, which the state says. */
  async order(): Promise<string | undefined> {
    const study = this.state.value.film?.study;
    if (!this.is('done') || study === undefined) return undefined;
    this.set({ phase: 'reading', error: undefined });
    try {
      const report = await this.platform.order(this.patient, study, this.orderKey);
      this.set({ phase: 'read', report });
      return report;
    } catch (thrown) {
      this.set({ phase: 'done', error: thrown });
      return undefined;
    }
  }

  pause(): void {
    if (!this.is('sending')) return;
    this.set({ phase: 'paused' });
    this.control.abort();
  }

  /** Stops, and has the platform forget what arrived. */
  async cancel(): Promise<void> {
    if (!this.is('waiting', 'sending', 'paused', 'stopped')) return;
    this.set({ phase: 'cancelled' });
    this.control.abort();
    if (this.staged === undefined) return;
    forgetBegun(this.patient, this.staged.film);
    try {
      await this.platform.forgetFilm(this.staged.film);
    } catch {
      // a staged film that nobody finishes is forgotten by the platform within a day
    }
  }

  get busy(): boolean {
    return this.is('sending', 'checking');
  }
}
