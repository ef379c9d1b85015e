import { parseByteSize } from '../../config/byte-size.ts';
import { type Parsed, parsed, quoteValue, unparsable } from '../../config/parsed.ts';

/** Layers of one platform, in bytes. */
export interface ImageShape {
  readonly layerBytes: readonly number[];
  readonly platforms: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const MOST_BYTES = 2 * 1024 * MIB;
const MOST_LAYERS = 127;

/** A few large layers and many small ones, as images have them. */
export const IMAGE_SHAPES: Readonly<Record<string, ImageShape>> = {
  default: {
    layerBytes: [768, 384, 192, 96, 48, 16, 4, 1].map((size) => size * KIB),
    platforms: 2,
  },
  'few-large': { layerBytes: [24 * MIB, 8 * MIB], platforms: 2 },
  'many-small': {
    layerBytes: Array.from({ length: 48 }, (_, index) => (index % 8 === 0 ? 128 : 16) * KIB),
    platforms: 2,
  },
  single: { layerBytes: [8 * MIB], platforms: 1 },
};

/** Reads a shape's name, or layers as in `4MiB,8x64KiB`. */
export function parseImageShape(text: string): Parsed<ImageShape> {
  const named = Object.hasOwn(IMAGE_SHAPES, text) ? IMAGE_SHAPES[text] : undefined;
  if (named !== undefined) return parsed(named);
  const layerBytes: number[] = [];
  for (const part of text.split(',')) {
    const [, times = '1', size = ''] = /^\s*(?:(\d{1,3})\s*x\s*)?(.+?)\s*$/i.exec(part) ?? [];
    const bytes = parseByteSize(size);
    if (!bytes.ok || !/\d/.test(size)) {
      return unparsable(
        `${quoteValue(text)} is no image; write ${Object.keys(IMAGE_SHAPES).join(', ')}, or layers as in 4MiB,8x64KiB`,
      );
    }
    layerBytes.push(...Array.from({ length: Number(times) }, () => bytes.value));
  }
  const total = layerBytes.reduce((sum, size) => sum + size, 0);
  if (layerBytes.length === 0 || layerBytes.length > MOST_LAYERS) {
    return unparsable(
      `${quoteValue(text)} has ${layerBytes.length} layers; an image has 1 to ${MOST_LAYERS}`,
    );
  }
  if (total > MOST_BYTES)
    return unparsable(`${quoteValue(text)} is larger than 2GiB, which is built in memory; write less`);
  return parsed({ layerBytes, platforms: 1 });
}
