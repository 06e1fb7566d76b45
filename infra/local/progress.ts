/**
 * What `npm start` shows: plain lines, the seconds since it was called, which part, what. The same with and
 * without a terminal. Only the last line of a start begins at column 0 with "ready".
 */
export interface Progress {
  line(part: string, text: string): void;
  ready(url: string): void;
  /** An error a person has to read: the message as it is, below it (indented) what explains it. */
  failure(message: string, details?: readonly string[]): void;
}

/** startedAt: milliseconds since 1970 at which the first process of this start began. */
export function createProgress(startedAt: number): Progress {
  // A closed pipe or terminal must not end the stack.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  return {
    line: (part, text) => console.log(formatLine(Date.now() - startedAt, part, text)),
    ready: (url) => console.log(`ready  ${url}`),
    failure: (message, details = []) => {
      console.error(message);
      for (const detail of details) console.error(`  | ${detail}`);
    },
  };
}

function formatLine(milliseconds: number, part: string, text: string): string {
  return `[${(milliseconds / 1000).toFixed(1).padStart(5)} s] ${part.padEnd(10)} ${text}`;
}
