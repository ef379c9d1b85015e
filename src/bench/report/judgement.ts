import type { Judgement } from '../requirement.ts';
import { duration, rate } from './units.ts';

/** Whether a requirement is kept, and by what. */
export function judgementText({ requirement, actual, isKept }: Judgement): string {
  return `${isKept ? '✔' : '✖'} ${requirement.text}: ${actual === undefined ? 'nothing was measured' : shown(actual, requirement)}`;
}

function shown(value: number, { figure, metric }: Judgement['requirement']): string {
  if (figure === 'speedup') return value.toFixed(2);
  if (figure === 'failures') return String(value);
  return metric === 'throughput' ? rate(value) : duration(value);
}
