import { type Component, identityOf } from './package-components.ts';

const RULE = '='.repeat(80);

/**
 * The licences of all that the binaries hold beside this project's own code.
 * @param nodes the licence of each Node inside one, by its version
 */
export function licencesText(components: readonly Component[], nodes: ReadonlyMap<string, string>): string {
  const versions = [...nodes.keys()].join(' or ');
  const head = `regcache is licensed under Apache-2.0: see LICENSE. Its binaries hold Node ${versions} and code of these packages:\n`;
  const list = components.map((component) => `  ${titleOf(component)}`).join('\n');
  const parts = components.map((component) => part(titleOf(component), component.licenceText));
  for (const [version, text] of nodes) parts.push(part(`Node ${version}, and what is inside it`, text));
  return [`${head}\n${list}\n`, ...parts].join('\n');
}

function titleOf(component: Component): string {
  return `${identityOf(component)}  ${component.licence}`;
}

function part(title: string, text: string): string {
  return `${RULE}\n${title}\n${RULE}\n\n${text.trim()}\n`;
}
