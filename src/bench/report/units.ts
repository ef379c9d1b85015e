/** `870 ms`, `1.24 s`, `2 min 5 s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 9.95) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 999.5) return `${milliseconds.toFixed(0)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 99.95) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(Math.round(seconds) / 60)} min ${Math.round(seconds) % 60} s`;
}

/** `1.2 MB`, `640 B`; MB is 10^6. */
export function megabytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 999_500) return `${(bytes / 1e3).toFixed(bytes < 9950 ? 1 : 0)} kB`;
  if (bytes < 999.5e6) return `${(bytes / 1e6).toFixed(bytes < 99.5e6 ? 1 : 0)} MB`;
  if (bytes < 999.5e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  return `${(bytes / 1e12).toFixed(2)} TB`;
}

/** `17.9 Mbit/s`. */
export function rate(bitsPerSecond: number): string {
  if (!Number.isFinite(bitsPerSecond)) return 'no limit';
  if (bitsPerSecond < 999_500) return `${(bitsPerSecond / 1e3).toFixed(0)} kbit/s`;
  if (bitsPerSecond < 999.5e6)
    return `${(bitsPerSecond / 1e6).toFixed(bitsPerSecond < 99.5e6 ? 1 : 0)} Mbit/s`;
  return `${(bitsPerSecond / 1e9).toFixed(2)} Gbit/s`;
}

/** `0.5 %`. */
export function share(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(3))} %`;
}
