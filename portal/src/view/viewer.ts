// SPDX-License-Identifier: Apache-2.0
//
// The film viewer, always dark: window and level by drag, zoom by wheel, fit, invert, heat map with opacity. Keys do all
// of it as well.

import { h, replace } from './dom.js';
import { percent } from './format.js';
import { button } from './parts.js';
import { t } from './words.js';

interface Grey {
  readonly width: number;
  readonly height: number;
  readonly values: Uint8Array;
}

const ZOOM_STEP = 1.15;
const KEY_STEP = 8;
const ZOOM_MAX = 16;
const FULL_WINDOW = 256;
const HEAT_SIDE_MIN = 256;

async function greyOf(picture: Blob): Promise<Grey> {
  const bitmap = await createImageBitmap(picture);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext('2d', { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D;
  context.drawImage(bitmap, 0, 0);
  const { data, width, height } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  const values = new Uint8Array(width * height);
  for (let i = 0; i < values.length; i++) values[i] = data[4 * i] ?? 0;
  bitmap.close();
  return { width, height, values };
}

/** The grid as amber light: nothing where it is low. */
function heatPicture(grid: Grey): OffscreenCanvas {
  const small = new OffscreenCanvas(grid.width, grid.height);
  const context = small.getContext('2d') as OffscreenCanvasRenderingContext2D;
  const image = context.createImageData(grid.width, grid.height);
  grid.values.forEach((value, i) => {
    const heat = value / 255;
    image.data.set([255, Math.round(200 - 60 * heat), 20, Math.round(255 * Math.max(0, heat - 0.15) / 0.85)], 4 * i);
  });
  context.putImageData(image, 0, 0);
  const scale = Math.ceil(HEAT_SIDE_MIN / Math.max(grid.width, grid.height));
  const large = new OffscreenCanvas(grid.width * scale, grid.height * scale);
  const smooth = large.getContext('2d') as OffscreenCanvasRenderingContext2D;
  smooth.imageSmoothingQuality = 'high';
  smooth.drawImage(small, 0, 0, large.width, large.height);
  return large;
}

export class Viewer {
  readonly element: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly status = h('div', { class: 'viewer-status', 'aria-hidden': 'true' });
  private readonly observer: ResizeObserver;
  private readonly film: OffscreenCanvas;
  private heat: OffscreenCanvas | undefined;
  private opacity = 0.6;
  private showHeat = false;
  private window = FULL_WINDOW;
  private level = FULL_WINDOW / 2;
  private inverted = false;
  private zoom = 1;
  private x = 0;
  private y = 0;
  private readonly heatControls = h('span', { class: 'viewer-heat', hidden: true });
  private readonly invertButton: HTMLButtonElement;

  private constructor(private readonly grey: Grey) {
    this.film = new OffscreenCanvas(grey.width, grey.height);
    this.canvas = h('canvas', {
      class: 'viewer-canvas', tabindex: 0, role: 'img', 'aria-label': t('viewer.label'), 'data-testid': 'viewer',
      on: {
        pointerdown: (event) => this.drag(event),
        wheel: (event) => {
          event.preventDefault();
          this.zoomAt(event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP, event.offsetX, event.offsetY);
        },
        dblclick: () => this.fit(),
        keydown: (event) => this.key(event),
      },
    });
    this.invertButton = button(t('viewer.invert'), () => this.invert(), { kind: 'quiet', test: 'viewer-invert' });
    this.invertButton.setAttribute('aria-pressed', 'false');
    const tools = h(
      'div', { class: 'viewer-tools', role: 'toolbar', 'aria-label': t('result.film') },
      button(t('viewer.fit'), () => this.fit(), { kind: 'quiet', test: 'viewer-fit' }), this.invertButton,
      button(t('viewer.reset'), () => this.setWindow(FULL_WINDOW, FULL_WINDOW / 2), { kind: 'quiet', test: 'viewer-reset' }),
      this.heatControls);
    this.element = h('div', { class: 'viewer' }, tools, h('div', { class: 'viewer-stage' }, this.canvas, this.status));
    this.develop();
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.canvas);
  }

  static async of(picture: Blob): Promise<Viewer> {
    return new Viewer(await greyOf(picture));
  }

  dispose(): void {
    this.observer.disconnect();
  }

  /** The model's grid over the whole film. */
  async setHeatmap(picture: Blob): Promise<void> {
    this.heat = heatPicture(await greyOf(picture));
    const shown = h('input', {
      type: 'checkbox', id: 'heat-shown', 'data-testid': 'heatmap',
      on: { change: () => this.setHeat(shown.checked) },
    });
    const slider = h('input', {
      type: 'range', min: 0, max: 100, value: this.opacity * 100, 'aria-label': t('viewer.opacity'), 'data-testid': 'heatmap-opacity',
      on: {
        input: () => {
          this.opacity = Number(slider.value) / 100;
          this.draw();
        },
      },
    });
    replace(this.heatControls, h('label', { for: 'heat-shown' }, shown, ' ', t('viewer.heatmap')), slider);
    this.heatControls.hidden = false;
  }

  private setHeat(shown: boolean): void {
    this.showHeat = shown;
    this.draw();
  }

  /** Applies window and level to the greys. */
  private develop(): void {
    const table = new Uint8ClampedArray(256);
    for (let i = 0; i < 256; i++) {
      const value = ((i - (this.level - this.window / 2)) / this.window) * 255;
      table[i] = this.inverted ? 255 - value : value;
    }
    const context = this.film.getContext('2d') as OffscreenCanvasRenderingContext2D;
    const image = context.createImageData(this.grey.width, this.grey.height);
    const pixels = new Uint32Array(image.data.buffer);
    this.grey.values.forEach((value, i) => {
      pixels[i] = 0xff000000 | ((table[value] ?? 0) * 0x010101);
    });
    context.putImageData(image, 0, 0);
  }

  private setWindow(window: number, level: number): void {
    this.window = Math.min(512, Math.max(4, window));
    this.level = Math.min(255, Math.max(0, level));
    this.develop();
    this.draw();
  }

  private invert(): void {
    this.inverted = !this.inverted;
    this.invertButton.setAttribute('aria-pressed', String(this.inverted));
    this.develop();
    this.draw();
  }

  private fit(): void {
    const { clientWidth, clientHeight } = this.canvas;
    const ratio = window.devicePixelRatio;
    [this.canvas.width, this.canvas.height] = [Math.max(1, Math.round(clientWidth * ratio)), Math.max(1, Math.round(clientHeight * ratio))];
    this.zoom = Math.min(clientWidth / this.grey.width, clientHeight / this.grey.height);
    this.x = (clientWidth - this.grey.width * this.zoom) / 2;
    this.y = (clientHeight - this.grey.height * this.zoom) / 2;
    this.draw();
  }

  private zoomAt(factor: number, x: number, y: number): void {
    const zoom = Math.min(ZOOM_MAX, Math.max(0.05, this.zoom * factor));
    this.x = x - ((x - this.x) * zoom) / this.zoom;
    this.y = y - ((y - this.y) * zoom) / this.zoom;
    this.zoom = zoom;
    this.draw();
  }

  private pan(dx: number, dy: number): void {
    this.x += dx;
    this.y += dy;
    this.draw();
  }

  /** The first button changes the window, any other (or Shift) moves the film. */
  private drag(start: PointerEvent): void {
    const moves = start.button !== 0 || start.shiftKey;
    this.canvas.setPointerCapture(start.pointerId);
    let [x, y] = [start.clientX, start.clientY];
    const move = (event: PointerEvent) => {
      const [dx, dy] = [event.clientX - x, event.clientY - y];
      [x, y] = [event.clientX, event.clientY];
      if (moves) this.pan(dx, dy);
      else this.setWindow(this.window + dx, this.level - dy / 2);
    };
    const end = () => {
      this.canvas.removeEventListener('pointermove', move);
      this.canvas.removeEventListener('pointerup', end);
      this.canvas.removeEventListener('pointercancel', end);
    };
    this.canvas.addEventListener('pointermove', move);
    this.canvas.addEventListener('pointerup', end);
    this.canvas.addEventListener('pointercancel', end);
  }

  private key(event: KeyboardEvent): void {
    const middle = [this.canvas.clientWidth / 2, this.canvas.clientHeight / 2] as const;
    const actions: Record<string, () => void> = {
      ArrowLeft: () => this.setWindow(this.window - KEY_STEP, this.level),
      ArrowRight: () => this.setWindow(this.window + KEY_STEP, this.level),
      ArrowUp: () => this.setWindow(this.window, this.level + KEY_STEP),
      ArrowDown: () => this.setWindow(this.window, this.level - KEY_STEP),
      '+': () => this.zoomAt(ZOOM_STEP, ...middle),
      '=': () => this.zoomAt(ZOOM_STEP, ...middle),
      '-': () => this.zoomAt(1 / ZOOM_STEP, ...middle),
      '0': () => this.fit(),
      i: () => this.invert(),
    };
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  }

  private draw(): void {
    const context = this.canvas.getContext('2d') as CanvasRenderingContext2D;
    const ratio = window.devicePixelRatio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const size = [this.grey.width * this.zoom, this.grey.height * this.zoom] as const;
    context.imageSmoothingEnabled = this.zoom < 4;
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.film, this.x, this.y, ...size);
    if (this.showHeat && this.heat !== undefined) {
      context.imageSmoothingEnabled = true;
      context.globalAlpha = this.opacity;
      context.drawImage(this.heat, this.x, this.y, ...size);
      context.globalAlpha = 1;
    }
    const parts = [
      t('viewer.window', { width: Math.round(this.window) }), t('viewer.level', { level: Math.round(this.level) }),
      percent(this.zoom),
    ];
    this.status.textContent = parts.join(' · ');
  }
}
