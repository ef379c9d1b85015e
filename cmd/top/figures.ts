import { megabytes } from '../../src/bench/report/units.ts';

const NONE = '-';
const [SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS] = [1000, 60_000, 3_600_000, 86_400_000];

/** `97.4 %`, as `stats` writes it too. A dash where there is nothing to tell. */
export function percent(ratio: number | undefined): string {
  if (ratio === undefined || !Number.isFinite(ratio)) return NONE;
  return ratio < -9.99 ? '<-999 %' : `${(ratio * 100).toFixed(1).replace(/^-0\.0$/, '0.0')} %`;
}

/** `97 %`, for a narrow column; 100 only where it is all of it. */
export function wholePercent(ratio: number): string {
  return `${Math.floor(ratio * 100 + 1e-9)} %`;
}

/** A digest without the name of the algorithm that nearly all have: what tells one from another is behind it. */
export function digestText(digest: string): string {
  return digest.replace(/^sha256:/, '');
}

/** `1.2 MB`, as everywhere in this program; whole bytes, and a sign where there are less than none. */
export function bytes(amount: number): string {
  return `${amount < 0 ? '-' : ''}${megabytes(Math.round(Math.abs(amount)))}`;
}

/** `1.2 MB/s` */
export function speed(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`;
}

/** `31,402`; from ten millions on `12.3 M`. */
export function count(amount: number): string {
  if (amount >= 1e7) return `${(amount / 1e6).toFixed(1)} M`;
  return String(Math.round(amount)).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `4 s`, `12 min`, `3 h 12 min`, `4 d 3 h`. */
export function age(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  const [large, small, largeMs, smallMs] =
    ms < DAY_MS ? (['h', 'min', HOUR_MS, MINUTE_MS] as const) : (['d', 'h', DAY_MS, HOUR_MS] as const);
  const rest = Math.floor((ms % largeMs) / smallMs);
  return `${Math.floor(ms / largeMs)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}

/** `12:03:41`, by the clock of this machine. */
export function clockTime(atMs: number): string {
  const at = new Date(atMs);
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
