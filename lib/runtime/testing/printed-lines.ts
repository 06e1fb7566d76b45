/** Returns the lines that `print` writes to stdout, each parsed as JSON. They are not printed. */
export async function printedLines(print: () => Promise<unknown> | void): Promise<unknown[]> {
  const lines: unknown[] = [];
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text) => {
    lines.push(JSON.parse(String(text)));
    return true;
  };
  try {
    await print();
  } finally {
    process.stdout.write = write;
  }
  return lines;
}
