import { createSocket } from 'node:dgram';

export interface DnsServer {
  /** `127.0.0.1:<port>`. */
  address: string;
  /** The names that were asked for, in order. */
  asked: string[];
  close: () => Promise<void>;
}

const headerBytes = 12;
const typeA = 1;
/** RFC 1035, section 4.1.4: a pointer to the name in the question. */
const nameInQuestion = [0xc0, headerBytes];

/** Starts a DNS server on loopback for which every name has the address 127.0.0.1, for one second. */
export async function startDnsServer(): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (query, { address, port }) => {
    const labels: string[] = [];
    let at = headerBytes;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const end = at + 5;
    asked.push(labels.join('.'));
    const isForA = query.readUInt16BE(at + 1) === typeA;
    const header = Buffer.from(query.subarray(0, headerBytes));
    // A response, with recursion available, one question and at most one answer.
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(isForA ? 1 : 0, 6);
    header.writeUInt32BE(0, 8);
    const answer = isForA
      ? [...nameInQuestion, 0, typeA, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]
      : [];
    const question = query.subarray(headerBytes, end);
    socket.send(Buffer.concat([header, question, Buffer.from(answer)]), port, address);
  });
  await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: () => new Promise((closed) => socket.close(() => closed())),
  };
}
