// SPDX-License-Identifier: Apache-2.0
//
// A value that tells when it changes.

export class Signal<T> {
  private readonly listeners = new Set<(value: T) => void>();
  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set(value: T): void {
    this.current = value;
    for (const listener of [...this.listeners]) {
      try {
        listener(value);
      } catch (thrown) {
        reportError(thrown); // one that fails must not keep the others from hearing it: a lock among them
      }
    }
  }

  /** Calls `listener` now and on every change, until the returned function is called. */
  watch(listener: (value: T) => void): () => void {
    this.listeners.add(listener);
    listener(this.current);
    return () => this.listeners.delete(listener);
  }
}
