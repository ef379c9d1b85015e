import type { Namespace } from '../oci/namespace.ts';
import type { UpstreamAnswerEvent } from '../telemetry/event.ts';
import type { AnswerTimes } from './answer-times.ts';
import { UpstreamError } from './error.ts';
import type { HopHealth } from './hop-health.ts';
import type { RegistryClient } from './registry-client.ts';
import type { Lane } from './transport.ts';

/** A hop, and what is known of it. */
export interface Way {
  readonly namespace: Namespace;
  readonly client: RegistryClient;
  readonly health: HopHealth;
  readonly times: Readonly<Record<Lane, AnswerTimes>>;
}

/** How a hop is doing. */
export interface WayState {
  readonly namespace: Namespace;
  /** Host and port. */
  readonly name: string;
  readonly role: 'hop' | 'origin';
  /** `paused`: it asked to be left alone with some requests for a while. */
  readonly state: 'up' | 'down' | 'paused';
  /** Why it is down. */
  readonly reason: string | undefined;
  /** How long its last answers took to begin, in milliseconds; undefined before the first. */
  readonly waitMs: { readonly p50: number; readonly p95: number } | undefined;
}

export function wayState({ namespace, client, health, times }: Way): WayState {
  const { name, role } = client;
  const isPaused = health.pauseMs('talk') > 0 || health.pauseMs('blob') > 0;
  const awake = isPaused ? 'paused' : 'up';
  const state = health.downReason === undefined ? awake : 'down';
  const waitMs = times.talk.usual ?? times.blob.usual;
  return { namespace, name, role, state, reason: health.downReason, waitMs };
}

/** What is told of an answer's beginning, or of the failure in its place. */
export function answerEvent(
  { namespace, client }: Way,
  lane: Lane,
  outcome: unknown,
  waitMs: number,
): UpstreamAnswerEvent | undefined {
  const common = { kind: 'upstream-answer', namespace, upstream: client.name, lane, waitMs } as const;
  if (outcome instanceof UpstreamError) return { ...common, result: outcome.kind, via: undefined };
  if (outcome instanceof Error) return undefined;
  return { ...common, result: 'answered', via: viaOf(outcome) };
}

function viaOf(answer: unknown): string | undefined {
  const trail: unknown = typeof answer === 'object' && answer !== null && 'trail' in answer && answer.trail;
  if (typeof trail !== 'object' || trail === null || !('via' in trail)) return undefined;
  return typeof trail.via === 'string' ? trail.via : undefined;
}
