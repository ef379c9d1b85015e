import {
  boolYaml11Tag,
  EVENT_ID,
  type Event,
  floatYaml11Tag,
  getScalarValue,
  intYaml11Tag,
  NOT_RESOLVED,
  nullYaml11Tag,
  parseEvents,
  SCALAR_STYLE,
  type ScalarEvent,
  YAMLException,
} from 'js-yaml';
import type { ConfigNode, Origin, ScalarNode } from './config-node.ts';

/** YAML that cannot be read; the message names no value. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
  /** Counted from 1. */
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

/**
 * Reads one YAML 1.1 document, keeping where and how each value was written. An empty text is null.
 * @param originOf names the place of a line, counted from 1
 * @throws {YamlError}
 */
export function parseYaml(text: string, originOf: (line: number) => Origin): ConfigNode {
  try {
    return new Reader(text, parseEvents(text, {}), originOf).document();
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    // The parser's error is no cause to pass on: it carries the text around the place, passwords and all.
    throw new YamlError(withoutValues(error.reason), (error.mark?.line ?? 0) + 1);
  }
}

/** The parser's words without the text that it quotes: a password that starts with `!` is taken for a tag. */
function withoutValues(reason: string): string {
  return reason.replaceAll(/: .*$|\s*".*"/gs, '');
}

const IMPLICIT = [nullYaml11Tag, boolYaml11Tag, intYaml11Tag, floatYaml11Tag];
const TYPED_TAGS = ['!!null', '!!bool', '!!int', '!!float'];
const TEXT_TAGS = ['!!str', '!'];
const CONTAINER_TAGS = new Set(['!!map', '!!seq']);

class Reader {
  readonly #text: string;
  readonly #events: readonly Event[];
  readonly #originOf: (line: number) => Origin;
  readonly #anchors = new Map<string, ConfigNode>();
  #next = 0;
  #offset = 0;

  constructor(text: string, events: readonly Event[], originOf: (line: number) => Origin) {
    this.#text = text;
    this.#events = events;
    this.#originOf = originOf;
  }

  document(): ConfigNode {
    if (this.#take() === undefined) return this.#null();
    const root = this.#peek()?.type === EVENT_ID.POP ? this.#null() : this.#node();
    this.#take();
    if (this.#peek() !== undefined) throw this.#error('more than one document; keep one');
    return root;
  }

  #node(): ConfigNode {
    const event = this.#take();
    if (event === undefined || event.type === EVENT_ID.POP || event.type === EVENT_ID.DOCUMENT) {
      throw this.#error('the document ends too early');
    }
    if (event.type === EVENT_ID.ALIAS) {
      const node = this.#anchors.get(this.#text.slice(event.anchorStart, event.anchorEnd));
      if (node === undefined) throw this.#error('an alias names no anchor before it');
      return node;
    }
    if (event.anchorStart >= 0) this.#offset = event.anchorStart;
    const node = event.type === EVENT_ID.SCALAR ? this.#scalar(event) : this.#container(event);
    if (event.anchorStart >= 0) this.#anchors.set(this.#text.slice(event.anchorStart, event.anchorEnd), node);
    return node;
  }

  #container(event: {
    readonly type: number;
    readonly start: number;
    tagStart: number;
    tagEnd: number;
  }): ConfigNode {
    this.#offset = event.start;
    const tag = this.#text.slice(event.tagStart, event.tagEnd);
    if (event.tagStart >= 0 && !CONTAINER_TAGS.has(tag))
      throw this.#error('a tag (`!…`) that has no meaning here; put text that starts with ! in quotes');
    return event.type === EVENT_ID.SEQUENCE ? this.#list() : this.#mapping();
  }

  #list(): ConfigNode {
    const origin = this.#origin();
    const items: ConfigNode[] = [];
    while (this.#peek()?.type !== EVENT_ID.POP) items.push(this.#node());
    this.#take();
    return { kind: 'list', origin, items };
  }

  #mapping(): ConfigNode {
    const origin = this.#origin();
    const entries = new Map<string, ConfigNode>();
    const merged = new Map<string, ConfigNode>();
    while (this.#peek()?.type !== EVENT_ID.POP) {
      const key = this.#node();
      if (key.kind !== 'scalar') throw this.#error('a key must be a plain word');
      if (entries.has(key.text)) throw this.#error(`the key \`${key.text}\` stands here twice; keep one`);
      const value = this.#node();
      if (key.text === '<<') this.#merge(merged, value);
      else entries.set(key.text, { ...value, origin: key.origin });
    }
    this.#take();
    return { kind: 'mapping', origin, entries: new Map([...merged, ...entries]) };
  }

  /** YAML 1.1's merge key: earlier mappings win over later ones, and the mapping's own keys over all. */
  #merge(into: Map<string, ConfigNode>, value: ConfigNode): void {
    for (const source of value.kind === 'list' ? value.items : [value]) {
      if (source.kind !== 'mapping') throw this.#error('only mappings can be merged with `<<`');
      for (const [key, node] of source.entries) if (!into.has(key)) into.set(key, node);
    }
  }

  #scalar(event: ScalarEvent): ScalarNode {
    if (event.valueStart >= 0) this.#offset = event.valueStart;
    const text = getScalarValue(this.#text, event);
    const origin = this.#origin();
    const tag = event.tagStart < 0 ? undefined : this.#text.slice(event.tagStart, event.tagEnd);
    if (tag !== undefined && ![...TYPED_TAGS, ...TEXT_TAGS].includes(tag)) {
      throw this.#error('a tag (`!…`) that has no meaning here; put text that starts with ! in quotes');
    }
    const isText = tag === undefined ? event.style !== SCALAR_STYLE.PLAIN : TEXT_TAGS.includes(tag);
    return { kind: 'scalar', origin, text, value: isText ? text : implicitValue(text) };
  }

  #null(): ScalarNode {
    return { kind: 'scalar', origin: this.#originOf(1), text: '', value: null };
  }

  #peek(): Event | undefined {
    return this.#events[this.#next];
  }

  #take(): Event | undefined {
    this.#next += 1;
    return this.#events[this.#next - 1];
  }

  #line(): number {
    return this.#text.slice(0, this.#offset).split(/\r\n|\r|\n/).length;
  }

  #origin(): Origin {
    return this.#originOf(this.#line());
  }

  #error(message: string): YamlError {
    return new YamlError(message, this.#line());
  }
}

function implicitValue(text: string): string | number | boolean | null {
  for (const tag of IMPLICIT) {
    const value = tag.resolve(text, false, tag.tagName);
    if (value !== NOT_RESOLVED) return value;
  }
  return text;
}
