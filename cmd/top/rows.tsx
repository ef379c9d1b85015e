import { Box, Text } from 'ink';
import { memo, type ReactElement } from 'react';
import type { Line } from './line.ts';
import { useTheme } from './theme.tsx';

/** Lines from top to bottom, and blank ones up to the height. */
export function Rows({
  lines,
  width,
  height,
}: {
  readonly lines: readonly Line[];
  readonly width: number;
  readonly height: number;
}): ReactElement {
  const { paint } = useTheme();
  return (
    <Box flexDirection="column" width={width} height={height} flexShrink={0}>
      {lines.slice(0, height).map((line, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- a line has no identity but its place
        <Row key={index} text={paint(line)} />
      ))}
    </Box>
  );
}

/** One line; drawn again only where it says something else. An empty one has to be a blank to take its place. */
const Row = memo(function Row({ text }: { readonly text: string }): ReactElement {
  return <Text wrap="truncate">{text === '' ? ' ' : text}</Text>;
});
