import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { z } from 'zod';

/** The faults that the proxy between the functions and S3 can be asked for, and the list of the requested ones. */
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
  /** An S3 error such as `InternalError` or `SlowDown`, after the request body was read. */
  z.strictObject({ kind: z.literal('answer'), status: z.int(), code: z.string() }),
  /** The connection breaks: at once, or after `afterBytes` of the body went to S3. */
  z.strictObject({ kind: z.literal('reset'), afterBytes: z.int().positive().optional() }),
  /** S3 executes the request, then the connection breaks before the answer. */
  z.strictObject({ kind: z.literal('resetResponse') }),
  /** The body is read, no answer follows. The request does not reach S3. */
  z.strictObject({ kind: z.literal('stall') }),
  /** The request waits for `release` before it goes to S3. */
  z.strictObject({ kind: z.literal('holdBefore') }),
  /** S3 executes the request; its answer waits for `release`. */
  z.strictObject({ kind: z.literal('holdAfter') }),
]);

export const faultSchema = z.strictObject({
  operation: z.enum(operations),
  /** A substring of the key (which names owner, export and attempt), or of the prefix of a list request. */
  key: z.string().default(''),
  action: actionSchema,
  /** The maximum number of requests that it applies to. */
  times: z.int().positive().optional(),
  /** The number of matching requests that pass first. */
  skip: z.int().nonnegative().default(0),
});
/** A fault as tests write it. */
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

  /** Returns whether the rule applies to this request, and counts the request if so. */
  applies(operation: Operation, key: string): boolean {
    const { times = Number.POSITIVE_INFINITY, skip } = this.fault;
    if (operation !== this.fault.operation || !key.includes(this.fault.key)) return false;
    if (this.#fitting++ < skip || this.#hits >= times) return false;
    this.#hits++;
    return true;
  }

  /** Resolves when the request may continue; never resolves if the client disconnects first. */
  async hold(response: ServerResponse): Promise<void> {
    if (this.#released) return;
    await new Promise<void>((resolve) => {
      this.#held.add(resolve);
      response.once('close', () => this.#held.delete(resolve));
    });
  }

  /** Releases the held requests, and every later one. */
  release(): void {
    this.#released = true;
    for (const resolve of this.#held) resolve();
    this.#held.clear();
  }
}

/** The list of the rules. The first added rule that matches a request applies. */
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

  match(operation: Operation, key: string): FaultRule | undefined {
    for (const rule of this.#rules.values()) if (rule.applies(operation, key)) return rule;
    return undefined;
  }
}

interface S3Request {
  method: string;
  /** Path and query. The path, not the host, names the bucket. */
  url: string;
  copies: boolean;
}

/** Returns the S3 operation of a request, by the rules of the REST API of S3. */
export function operationOf({ method, url, copies }: S3Request): {
  operation: Operation;
  key: string;
} {
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
