import type { Clock } from '../async/clock.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Tracer } from '../telemetry/tracer.ts';
import { Environment } from './environment.ts';
import { readTraceSettings } from './trace-settings.ts';

export interface TracerDeps {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly scheme: 'http' | 'https';
  /** Tells this cache from others. */
  readonly instanceId: string;
  /** Of the program; empty where it is not known. */
  readonly version: string;
  /** As in `Via`, where it is configured. */
  readonly hopName: string | undefined;
}

/** A tracer that somebody has to end. */
export interface OpenTracer extends Tracer {
  /**
   * Sends what is left, for a short time, and ends.
   * @param signal ends the sending at once
   */
  close(signal: AbortSignal): Promise<void>;
}

/**
 * Starts to trace, if OpenTelemetry's variables ask for it. What is wrong with them is told, and never stops a daemon.
 * Nothing of OpenTelemetry's SDK is loaded before somebody has asked for it.
 * @returns undefined where nothing is to be traced
 */
export async function startTracer(
  variables: Readonly<Record<string, string | undefined>>,
  deps: TracerDeps,
): Promise<OpenTracer | undefined> {
  const warn = (message: string): void => deps.telemetry.emit({ kind: 'warning', message });
  const settings = await readTraceSettings(new Environment(variables, warn));
  if (settings === undefined) return undefined;
  const { OtelTracer } = await import('./otel-tracer.ts');
  return new OtelTracer(settings, deps);
}
