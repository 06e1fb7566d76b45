/**
 * CloudEvents over Kafka in binary mode: the attributes are headers (`ce_id`, …), the value is `data` alone.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md#32-binary-content-mode
 */
import { isUtf8 } from 'node:buffer';
import { sizes } from '../contracts/sizes.ts';
import { refusedFields } from '../runtime/errors.ts';
import type { Header } from './header.ts';

const prefix = 'ce_';
const attributeName = /^[a-z0-9]{1,20}$/;
/** What is no attribute of its own: the value, and the header `content-type`. */
const reserved = ['data', 'datacontenttype'];
const mostAttributes = 64;

/** Whether a record is an event in binary mode. The content type decides, then whether there is an attribute. */
export function isBinary(headers: readonly Header[]): boolean {
  const type = headers.find(({ key }) => key === 'content-type')?.value.toString() ?? '';
  return (
    !type.toLowerCase().startsWith('application/cloudevents') &&
    headers.some(({ key }) => key === `${prefix}specversion`)
  );
}

/**
 * Returns the attributes of an event in binary mode as its structured form has them, all of them strings. Throws a
 * refusal that names what is not right: an attribute that is there twice, or none by its name, too many or too large
 * ones, another content type than JSON.
 */
export function attributesOf(headers: readonly Header[]): Record<string, string> {
  const ours = headers.filter(({ key }) => key.startsWith(prefix) || key === 'content-type');
  if (ours.length > mostAttributes)
    throw refusedFields([
      { field: 'headers', message: `must have at most ${mostAttributes} attributes` },
    ]);
  const attributes = new Map<string, string>();
  for (const { key, value } of ours) {
    const name = key === 'content-type' ? 'datacontenttype' : key.slice(prefix.length);
    const wrong = whatIsWrong(key, name, value, attributes);
    if (wrong !== undefined) throw refusedFields([{ field: key, message: wrong }]);
    attributes.set(name, value.toString());
  }
  return Object.fromEntries(attributes);
}

function whatIsWrong(
  key: string,
  name: string,
  value: Buffer,
  before: ReadonlyMap<string, string>,
): string | undefined {
  if (before.has(name)) return 'is there twice';
  if (value.length > sizes.headerBytes) return `must have at most ${sizes.headerBytes} bytes`;
  if (!isUtf8(value)) return 'must be UTF-8';
  if (key === 'content-type')
    return /^application\/json\s*(;|$)/i.test(value.toString())
      ? undefined
      : 'must be application/json';
  if (!attributeName.test(name)) return 'is no name of an attribute';
  if (reserved.includes(name)) return 'is no attribute of its own in binary mode';
  return undefined;
}
