/** A media type without parameters, `type/subtype` of RFC 6838 section 4.2; made by {@link parseMediaType}. */
export type MediaType = string & { readonly __brand: 'MediaType' };

const MEDIA_TYPE = /^[a-zA-Z0-9][a-zA-Z0-9!#$&^_.+-]{0,126}\/[a-zA-Z0-9][a-zA-Z0-9!#$&^_.+-]{0,126}$/;

/** Reads a `Content-Type`'s media type; parameters are left out. Undefined where there is none. */
export function parseMediaType(text: string): MediaType | undefined {
  const type = (text.split(';', 1)[0] ?? '').trim();
  return isMediaType(type) ? type : undefined;
}

function isMediaType(text: string): text is MediaType {
  return MEDIA_TYPE.test(text);
}

function known(text: string): MediaType {
  if (isMediaType(text)) return text;
  throw new TypeError(`not a media type: ${text}`);
}

export const OCI_MANIFEST = known('application/vnd.oci.image.manifest.v1+json');
export const OCI_INDEX = known('application/vnd.oci.image.index.v1+json');
export const DOCKER_MANIFEST = known('application/vnd.docker.distribution.manifest.v2+json');
export const DOCKER_LIST = known('application/vnd.docker.distribution.manifest.list.v2+json');
export const DOCKER_SCHEMA1_SIGNED = known('application/vnd.docker.distribution.manifest.v1+prettyjws');
export const DOCKER_SCHEMA1 = known('application/vnd.docker.distribution.manifest.v1+json');
export const OCTET_STREAM = known('application/octet-stream');

/**
 * Every manifest type that a cache asks its upstream for: asked for less, Distribution converts
 * docker lists and answers 404 for OCI indexes.
 */
export const MANIFEST_ACCEPT: readonly MediaType[] = [
  OCI_MANIFEST,
  OCI_INDEX,
  DOCKER_MANIFEST,
  DOCKER_LIST,
  known('application/vnd.oci.artifact.manifest.v1+json'),
  DOCKER_SCHEMA1_SIGNED,
];
