// SPDX-License-Identifier: Apache-2.0
//
// The browser's own storage. It can be switched off or full: then nothing is kept, and the page works all the same.

export type Area = 'for-good' | 'tab';

function storageOf(area: Area): Storage {
  return area === 'tab' ? sessionStorage : localStorage;
}

export function stored(area: Area, name: string): string | null {
  try {
    return storageOf(area).getItem(name);
  } catch {
    return null;
  }
}

/** Whether it is kept. */
export function keep(area: Area, name: string, text: string): boolean {
  try {
    storageOf(area).setItem(name, text);
    return true;
  } catch {
    return false;
  }
}

export function drop(area: Area, name: string): void {
  try {
    storageOf(area).removeItem(name);
  } catch {
    // what was never kept is gone already
  }
}

export function dropTab(): void {
  try {
    sessionStorage.clear();
  } catch {
    // as above
  }
}
