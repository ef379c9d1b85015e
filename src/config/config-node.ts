/** Where a value was written: in a file, or in the variable that overrides it. */
export type Origin =
  | { readonly kind: 'file'; readonly file: string; readonly line: number }
  | { readonly kind: 'variable'; readonly name: string };

export type ConfigPath = readonly (string | number)[];

/** A configuration as it was written, before anything is known of its meaning. */
export type ConfigNode = ScalarNode | ListNode | MappingNode;

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly origin: Origin;
  /** As written: the difference between the password `0123` and the number 83. */
  readonly text: string;
  readonly value: string | number | boolean | null;
}

export interface ListNode {
  readonly kind: 'list';
  readonly origin: Origin;
  readonly items: readonly ConfigNode[];
}

export interface MappingNode {
  readonly kind: 'mapping';
  readonly origin: Origin;
  readonly entries: ReadonlyMap<string, ConfigNode>;
}

/** A scalar that YAML takes for a number or a boolean; only the schema knows whether text was meant. */
export class PlainScalar {
  readonly text: string;
  readonly value: number | boolean;

  constructor(text: string, value: number | boolean) {
    this.text = text;
    this.value = value;
  }
}

/** Plain objects, lists, strings and {@link PlainScalar}s; what is null in YAML is undefined: as if left out. */
export function toPlain(node: ConfigNode): unknown {
  if (node.kind === 'list') return node.items.map(toPlain);
  if (node.kind === 'mapping') {
    return Object.fromEntries(Array.from(node.entries, ([key, child]) => [key, toPlain(child)]));
  }
  if (node.value === null) return undefined;
  return typeof node.value === 'string' ? node.value : new PlainScalar(node.text, node.value);
}

function childOf(node: ConfigNode | undefined, key: string | number): ConfigNode | undefined {
  if (node?.kind === 'mapping') return node.entries.get(String(key));
  return node?.kind === 'list' ? node.items[Number(key)] : undefined;
}

export function nodeAt(root: ConfigNode, path: ConfigPath): ConfigNode | undefined {
  return path.reduce<ConfigNode | undefined>(childOf, root);
}

/** The scalar's text at a path; undefined where there is none, or only null. */
export function textAt(root: ConfigNode, path: ConfigPath): string | undefined {
  const node = nodeAt(root, path);
  return node?.kind === 'scalar' && node.value !== null ? node.text : undefined;
}

/** Whether a switch is on: YAML 1.1's words for true. */
export function isOn(root: ConfigNode, path: ConfigPath): boolean {
  return /^(?:true|yes|on|y)$/i.test(textAt(root, path) ?? '');
}

/** Where the value at a path was written, or the nearest thing around it that is there. */
export function originAt(root: ConfigNode, path: ConfigPath): Origin | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const node = nodeAt(root, path.slice(0, length));
    if (node !== undefined) return node.origin;
  }
  return undefined;
}

/** A found node with its path. */
export interface Found {
  readonly path: ConfigPath;
  readonly node: ConfigNode;
}

/** All nodes that a pattern names; `[]` stands for each item of a list: `upstreams[].originhost`. */
export function findNodes(root: ConfigNode, pattern: string): readonly Found[] {
  let found: Found[] = [{ path: [], node: root }];
  for (const segment of pattern.replaceAll('[]', '.[]').split('.')) {
    found = found.flatMap(({ path, node }) => {
      if (segment === '[]') {
        return node.kind === 'list'
          ? node.items.map((item, index) => ({ path: [...path, index], node: item }))
          : [];
      }
      const child = node.kind === 'mapping' ? node.entries.get(segment) : undefined;
      return child === undefined ? [] : [{ path: [...path, segment], node: child }];
    });
  }
  return found;
}

/**
 * A copy with the node at a path replaced; missing mappings and lists on the way are made. Undefined takes a
 * mapping's key out, and leaves null for an item of a list, whose neighbours must keep their numbers.
 */
export function replaceNode(root: ConfigNode, path: ConfigPath, node: ConfigNode | undefined): ConfigNode {
  const [key, ...rest] = path;
  if (key === undefined) return node ?? nothing(root.origin);
  const child = childOf(root, key);
  const origin = node?.origin ?? root.origin;
  const empty: ConfigNode = { kind: 'mapping', origin, entries: new Map() };
  const next = rest.length === 0 ? node : replaceNode(child ?? empty, rest, node);
  if (typeof key === 'number') {
    const items = root.kind === 'list' ? [...root.items] : [];
    while (items.length < key) items.push(nothing(origin));
    items[key] = next ?? nothing(origin);
    return { kind: 'list', origin: root.origin, items };
  }
  const entries = new Map(root.kind === 'mapping' ? root.entries : []);
  if (next === undefined) entries.delete(key);
  else entries.set(key, next);
  return { kind: 'mapping', origin: root.origin, entries };
}

function nothing(origin: Origin): ScalarNode {
  return { kind: 'scalar', origin, text: '', value: null };
}

/** `middleware.registry[0].options` */
export function formatPath(path: ConfigPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}
