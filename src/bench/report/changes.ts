import type { RunComparison } from '../compare-runs.ts';
import { duration } from './units.ts';

/** What has changed since an earlier run, a line each. */
export function changesText({ changes, warnings }: RunComparison, file: string): string {
  const width = Math.max(0, ...changes.map(({ variant }) => variant.length));
  const lines = changes.map(({ variant, kind, concurrency, beforeMs, nowMs, speedup, p, isReal }) => {
    const clients = concurrency > 1 ? ` ×${concurrency}` : '';
    const change = isReal
      ? `${speedup >= 1 ? `${speedup.toFixed(2)} times as fast` : `takes ${(1 / speedup).toFixed(2)} times as long`} (p ${p.toFixed(3)})`
      : `no difference that these pulls can show (p ${p.toFixed(2)})`;
    return `  ${variant.padEnd(width)}  ${`${kind}${clients}`.padEnd(8)}  ${duration(beforeMs)} → ${duration(nowMs)}  ${change}`;
  });
  if (lines.length === 0) lines.push('  no variant is in both');
  return (
    [`compared with ${file}`, ...lines, ...warnings.map((warning) => `  ! ${warning}`)].join('\n') + '\n'
  );
}
