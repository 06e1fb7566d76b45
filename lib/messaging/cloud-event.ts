import { randomUUID } from 'node:crypto';

/** The `source` of every event that StreamSync publishes. */
const eventSource = '/streamsync';

interface EventOf<Type extends string, Data> {
  specversion: '1.0';
  id: string;
  source: string;
  type: Type;
  subject: string;
  time: string;
  datacontenttype: 'application/json';
  data: Data;
}

/** Returns a CloudEvent 1.0 in structured form. `subject` is the id of its export. */
export function cloudEvent<const Type extends string, Data>(
  type: Type,
  subject: string,
  data: Data,
): EventOf<Type, Data> {
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: eventSource,
    type,
    subject,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    data,
  };
}
