import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { z } from 'zod';

/** What the proxy between the functions and S3 can be told to do wrong, and its book of what it was told. */
const operations = [
  'CreateMultipartUpload',
  'UploadPart',
  'UploadPartCopy',
  'CompleteMultipartUpload',
  'AbortMultipartUpload',
  'ListMultipartUploads',
  'HeadObject',
  'GetObject',
  'DeleteObject',
  'other',
] as const;
type Operation = (typeof operations)[number];

const actionSchema = z.discriminatedUnion('kind', [
  /** S3's own kind of error, after the body was taken: `InternalError`, `SlowDown`. */
  z.strictObject({ kind: z.literal('answer'), status: z.int(), code: z.string() }),
  /** The connection breaks: at once, or when S3 has been passed so much of the body. */
  z.strictObject({ kind: z.literal('reset'), afterBytes: z.int().positive().optional() }),
  /** It took effect, and the connection breaks before the answer. */
  z.strictObject({ kind: z.literal('resetResponse') }),
  /** The body is taken, and no answer comes. S3 is not asked. */
  z.strictObject({ kind: z.literal('stall') }),
  /** Waits for `release`, then S3 is asked. */
  z.strictObject({ kind: z.literal('holdBefore') }),
  /** It took effect; the answer waits for `release`. */
  z.strictObject({ kind: z.literal('holdAfter') }),
]);

export const faultSchema = z.strictObject({
  operation: z.enum(operations),
  /** A part of the key, which names owner, export and attempt; for a list, of its prefix. */
  key: z.string().default(''),
  action: actionSchema,
  /** How often, at most. */
  times: z.int().positive().optional(),
  /** How many requests it would fit are let through first. */
  skip: z.int().nonnegative().default(0),
});
/** As a test writes it. */
export type Fault = z.input<typeof faultSchema>;

export const ruleStateSchema = z.object({ hits: z.int(), held: z.int() });
export const ruleIdSchema = z.object({ id: z.string() });

class FaultRule {
  readonly fault: z.output<typeof faultSchema>;
  #fitting = 0;
  #hits = 0;
  #released = false;
  readonly #held = new Set<() => void>();

  constructor(fault: z.output<typeof faultSchema>) {
    this.fault = fault;
  }

  get state(): z.infer<typeof ruleStateSchema> {
    return { hits: this.#hits, held: this.#held.size };
  }

  /** Whether it concerns this request; if so, it counts. */
  takes(operation: Operation, key: string): boolean {
    const { times = Number.POSITIVE_INFINITY, skip } = this.fault;
    if (operation !== this.fault.operation || !key.includes(this.fault.key)) return false;
    if (this.#fitting++ < skip || this.#hits >= times) return false;
    this.#hits++;
    return true;
  }

  /** → when the request may go on; never, if its client leaves before. */
  async hold(response: ServerResponse): Promise<void> {
    if (this.#released) return;
    await new Promise<void>((resolve) => {
      this.#held.add(resolve);
      response.once('close', () => this.#held.delete(resolve));
    });
  }

  /** For what is held, and for what would be held later. */
  release(): void {
    this.#released = true;
    for (const resolve of this.#held) resolve();
    this.#held.clear();
  }
}

/** The first rule added that fits a request decides about it. */
export class FaultRules {
  readonly #rules = new Map<string, FaultRule>();

  add(fault: z.output<typeof faultSchema>): string {
    const id = randomUUID();
    this.#rules.set(id, new FaultRule(fault));
    return id;
  }

  get(id: string): FaultRule | undefined {
    return this.#rules.get(id);
  }

  remove(id: string): void {
    this.#rules.get(id)?.release();
    this.#rules.delete(id);
  }

  clear(): void {
    for (const id of this.#rules.keys()) this.remove(id);
  }

  take(operation: Operation, key: string): FaultRule | undefined {
    for (const rule of this.#rules.values()) if (rule.takes(operation, key)) return rule;
    return undefined;
  }
}

interface Asked {
  method: string;
  /** Path and query: buckets are named in the path here, not in the host. */
  url: string;
  copies: boolean;
}

/** The operation of S3 that a request is, by the rules of its REST API. */
export function operationOf({ method, url, copies }: Asked): { operation: Operation; key: string } {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const [, key = ''] = /^\/[^/]+\/(.+)$/.exec(pathname) ?? [];
  const has = (name: string): boolean => searchParams.has(name);
  const find = (): Operation => {
    if (key === '') return method === 'GET' && has('uploads') ? 'ListMultipartUploads' : 'other';
    if (method === 'POST' && has('uploads')) return 'CreateMultipartUpload';
    if (has('uploadId')) {
      if (method === 'PUT' && has('partNumber')) return copies ? 'UploadPartCopy' : 'UploadPart';
      if (method === 'POST') return 'CompleteMultipartUpload';
      return method === 'DELETE' ? 'AbortMultipartUpload' : 'other';
    }
    if (['acl', 'attributes', 'tagging'].some(has)) return 'other';
    if (method === 'HEAD') return 'HeadObject';
    if (method === 'GET') return 'GetObject';
    return method === 'DELETE' ? 'DeleteObject' : 'other';
  };
  return { operation: find(), key: key === '' ? (searchParams.get('prefix') ?? '') : decode(key) };
}

function decode(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
