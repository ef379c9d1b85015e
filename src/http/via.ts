import { RegistryError } from '../oci/error.ts';

/** Who this hop is, between hops. */
export interface HopIdentity {
  /** As it stands in `Via`, `Cache-Status` and `Server-Timing`: a token or host and port. */
  readonly name: string;
  /** A random id kept in the store: loops are told by it, never by the name. */
  readonly id: string;
}

const MAX_HOPS = 8;
const MAX_FIELD_LENGTH = 2048;
/** One entry: protocol, received-by, an optional comment (RFC 9110 section 7.6.3). */
const ENTRY = /^[A-Za-z0-9./_-]{1,32} [A-Za-z0-9.:_[\]-]{1,300}(?: \([^()\\]{0,200}\))?$/;

/**
 * Reads the `Via` of a request and adds this hop.
 * @returns the field to send on, and how many hops the request had passed
 * @throws {RegistryError} 508 for a loop or too many hops, 400 for a field that is none
 */
export function passVia(
  field: string | undefined,
  self: HopIdentity,
): { readonly via: string; readonly hopsPassed: number } {
  const entries = field === undefined ? [] : field.split(',').map((entry) => entry.trim());
  if ((field?.length ?? 0) > MAX_FIELD_LENGTH || !entries.every((entry) => ENTRY.test(entry))) {
    throw new RegistryError('UNSUPPORTED', 'the Via field is malformed', { status: 400 });
  }
  if (entries.some((entry) => entry.endsWith(`(${self.id})`))) {
    throw new RegistryError(
      'UNSUPPORTED',
      'loop: this request has been here before; check the upstreams of each cache',
      {
        status: 508,
        detail: { via: entries },
      },
    );
  }
  if (entries.length >= MAX_HOPS) {
    throw new RegistryError('UNSUPPORTED', `a request may pass at most ${MAX_HOPS} hops`, {
      status: 508,
      detail: { via: entries },
    });
  }
  return { via: [...entries, ownEntry(self)].join(', '), hopsPassed: entries.length };
}

/** The `Via` of an answer: the hops that it has passed, this one last. */
export function answerVia(behind: string | undefined, self: HopIdentity): string {
  return behind === undefined ? ownEntry(self) : `${behind}, ${ownEntry(self)}`;
}

function ownEntry(self: HopIdentity): string {
  return `1.1 ${self.name} (${self.id})`;
}
