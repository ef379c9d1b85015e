import { createContext, useContext } from 'react';
import { type Paint, painter } from './paint.ts';
import { type Signs, signsFor } from './signs.ts';

/** How this terminal is drawn on. */
export interface Theme {
  readonly paint: Paint;
  readonly signs: Signs;
  readonly isColoured: boolean;
}

/** 16 colours, and none with NO_COLOR or on a terminal that has none. */
export function themeFor(env: Readonly<Record<string, string | undefined>>): Theme {
  const isColoured = (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return { paint: painter(isColoured), signs: signsFor(env), isColoured };
}

export const ThemeContext = createContext<Theme>(themeFor({ NO_COLOR: '1' }));

export function useTheme(): Theme {
  return useContext(ThemeContext);
}
