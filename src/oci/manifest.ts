import { type Descriptor, readDescriptor } from './descriptor.ts';
import {
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  type MediaType,
  OCI_INDEX,
  OCI_MANIFEST,
  parseMediaType,
} from './media-type.ts';

/** The most that a manifest may hold, in bytes (distribution-spec, "Pushing manifests": at least 4 MiB). */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/** What a manifest refers to. Anything else in it is the clients' affair: a cache passes the bytes on. */
export interface Manifest {
  readonly mediaType: MediaType;
  /** Manifests that an index lists. */
  readonly manifests: readonly Descriptor[];
  /** Config and layers, in this order; `blobs` of an artifact manifest. */
  readonly blobs: readonly Descriptor[];
  readonly subject: Descriptor | undefined;
}

/**
 * Reads a manifest or an index of any kind. Malformed descriptors are left out, never guessed.
 * @returns undefined where the bytes are no JSON object
 */
export function readManifest(bytes: Uint8Array): Manifest | undefined {
  const json = parseObject(bytes);
  if (json === undefined) return undefined;
  const config = readDescriptor(json['config']);
  return {
    mediaType: mediaTypeOf(json),
    manifests: readDescriptors(json['manifests']),
    blobs: [
      ...(config === undefined ? [] : [config]),
      ...readDescriptors(json['layers']),
      ...readDescriptors(json['blobs']),
    ],
    subject: readDescriptor(json['subject']),
  };
}

/** Whether the bytes are a JSON object, as every manifest and every list is. */
export function isJsonObject(bytes: Uint8Array): boolean {
  return parseObject(bytes) !== undefined;
}

function parseObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return typeof json === 'object' && json !== null && !Array.isArray(json)
      ? (json as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The type that a manifest claims, else the one that its shape gives away (image-spec, manifest.md). */
function mediaTypeOf(json: Record<string, unknown>): MediaType {
  const claimed = typeof json['mediaType'] === 'string' ? parseMediaType(json['mediaType']) : undefined;
  if (claimed !== undefined) return claimed;
  if (json['schemaVersion'] === 1) return 'signatures' in json ? DOCKER_SCHEMA1_SIGNED : DOCKER_SCHEMA1;
  if (Array.isArray(json['manifests'])) return OCI_INDEX;
  return OCI_MANIFEST;
}

function readDescriptors(json: unknown): Descriptor[] {
  if (!Array.isArray(json)) return [];
  return json.map(readDescriptor).filter((descriptor) => descriptor !== undefined);
}
