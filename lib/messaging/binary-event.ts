/**
 * CloudEvents over Kafka in binary mode: the attributes are headers (`ce_id`, …), the value is `data` alone.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md#32-binary-content-mode
 */
import { isUtf8 } from 'node:buffer';
import { sizes } from '../contracts/sizes.ts';
import { invalidFields } from '../runtime/errors.ts';
import type { Header } from './message-headers.ts';

const prefix = 'ce_';
const attributeName = /^[a-z0-9]{1,20}$/;
/** Attributes without a `ce_` header in binary mode: the value and the header `content-type` carry them. */
const reserved = ['data', 'datacontenttype'];
const maxAttributes = 64;

/**
 * Returns whether a record is an event in binary mode: it has `ce_specversion`, and its content type is not
 * that of the structured mode.
 */
export function isBinary(headers: readonly Header[]): boolean {
  const type = headers.find(({ key }) => key === 'content-type')?.value.toString() ?? '';
  return (
    !type.toLowerCase().startsWith('application/cloudevents') &&
    headers.some(({ key }) => key === `${prefix}specversion`)
  );
}

/**
 * Returns the attributes of an event in binary mode as its structured form has them, all of them strings. Throws
 * `invalid_request` with the header and the reason: more than 64 attributes, a repeated, too long or misnamed one,
 * or a content type other than JSON.
 */
export function attributesOf(headers: readonly Header[]): Record<string, string> {
  const attributeHeaders = headers.filter(
    ({ key }) => key.startsWith(prefix) || key === 'content-type',
  );
  if (attributeHeaders.length > maxAttributes)
    throw invalidFields([
      { field: 'headers', message: `must have at most ${maxAttributes} attributes` },
    ]);
  const attributes = new Map<string, string>();
  for (const { key, value } of attributeHeaders) {
    const name = key === 'content-type' ? 'datacontenttype' : key.slice(prefix.length);
    const message = attributeError(key, name, value, attributes);
    if (message !== undefined) throw invalidFields([{ field: key, message }]);
    attributes.set(name, value.toString());
  }
  return Object.fromEntries(attributes);
}

function attributeError(
  key: string,
  name: string,
  value: Buffer,
  seen: ReadonlyMap<string, string>,
): string | undefined {
  if (seen.has(name)) return 'must not be repeated';
  if (value.length > sizes.headerBytes) return `must have at most ${sizes.headerBytes} bytes`;
  if (!isUtf8(value)) return 'must be UTF-8';
  if (key === 'content-type')
    return /^application\/json\s*(;|$)/i.test(value.toString())
      ? undefined
      : 'must be application/json';
  if (!attributeName.test(name))
    return 'is not an attribute name: use 1 to 20 lower-case letters and digits';
  if (reserved.includes(name))
    return 'is reserved in binary mode: the value and the header content-type carry it';
  return undefined;
}
