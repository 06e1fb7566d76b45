/** Prints the records of an event, one line each. */
export async function handler({ records }) {
  for (const { topic, partition, offset, value } of Object.values(records).flat()) {
    const text = value === undefined ? null : Buffer.from(value, 'base64').toString();
    console.log(JSON.stringify({ topic, partition, offset, text }));
  }
}
