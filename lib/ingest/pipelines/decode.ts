import type { JSONObject, JSONValue } from '@jmespath-community/jmespath';
import { shortened, sizeText } from '../../contracts/sizes.ts';
import type { Header } from '../../messaging/message-headers.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { checkFields, type Reading } from '../reading.ts';
import type { TimeBounds } from '../reading-time.ts';
import { RejectedRecordError } from '../rejected-record.ts';
import type { Pipeline } from './definition.ts';
import { documentsOf } from './documents.ts';
import { type Expression, evaluate, type Root } from './expression.ts';
import { instantOf } from './instant.ts';
import { limits } from './limits.ts';
import { type Conversion, conversionOf, conversionsTo, roundedTo15Digits } from './units.ts';

/** What expressions can see of a record, and its text. */
export interface RecordText {
  topic: string;
  text: string;
  key?: Buffer | null | undefined;
  headers: readonly Header[];
}

interface Decoded {
  readings: Reading[];
  /** How many readings the filter left out. */
  leftOut: number;
}

/**
 * Returns the readings of a record. Throws a `RejectedRecordError` whose reason names the pipeline, the line or item, and
 * the field.
 */
export type Decoder = (record: RecordText, bounds: TimeBounds) => Decoded;

export function decoderOf(pipeline: Pipeline): Decoder {
  const readingOf = readerOf(pipeline);
  return (record, bounds) => {
    const root = new RecordRoot(record);
    const decoded: Decoded = { readings: [], leftOut: 0 };
    let attributeBytes = 0;
    let place = '';
    try {
      for (const { line, value } of documentsOf(pipeline, record.text)) {
        const ofLine = line === undefined ? '' : `line ${line}: `;
        place = ofLine;
        root.item = root.document = value;
        const items = itemsOf(pipeline.each, root);
        checkCount(decoded, items.length);
        for (const [index, item] of items.entries()) {
          if (pipeline.each) place = `${ofLine}item ${index}: `;
          root.item = item;
          const reading = readingOf(root, bounds);
          if (reading === undefined) decoded.leftOut++;
          else {
            decoded.readings.push(reading);
            attributeBytes += bytesOf(reading.attributes);
            checkAttributes(attributeBytes);
          }
        }
      }
      return decoded;
    } catch (cause) {
      throw new RejectedRecordError(`pipeline ${pipeline.name}: ${place}${errorMessage(cause)}`, {
        cause,
      });
    }
  };
}

function checkCount({ readings, leftOut }: Decoded, more: number): void {
  if (readings.length + leftOut + more > limits.readings)
    throw new Error(`each: gives more than ${sizeText(limits.readings)} items in one record`);
}

const bytesOf = (attributes: Reading['attributes']): number =>
  attributes === undefined ? 0 : Buffer.byteLength(JSON.stringify(attributes));

function checkAttributes(bytes: number): void {
  if (bytes > limits.attributeBytes)
    throw new Error(
      `attributes: have more than ${sizeText(limits.attributeBytes)} bytes in one record`,
    );
}

/** A class, because an object with a getter of its own takes longer to create than all the rest of a short record. */
class RecordRoot implements Root {
  [name: string]: JSONValue;
  item: JSONValue = null;
  document: JSONValue = null;
  topic: string;
  key: string | null;
  #headers: readonly Header[];

  constructor({ topic, key, headers }: RecordText) {
    this.topic = topic;
    this.key = key?.toString() ?? null;
    this.#headers = headers;
  }

  get headers(): JSONObject {
    return Object.fromEntries(this.#headers.map((header) => [header.key, header.value.toString()]));
  }
}

function itemsOf(each: Expression | undefined, root: Root): readonly JSONValue[] {
  if (!each) return [root.item];
  const items = resultOf('each', each, root);
  if (!Array.isArray(items)) throw new Error(`each: gives ${described(items)}, not a list`);
  return items;
}

type Reader = (root: Root, bounds: TimeBounds) => Reading | undefined;

/** Returns a function that makes a reading of an item; undefined: the filter leaves it out. */
function readerOf(pipeline: Pipeline): Reader {
  const { series, at, value, unit, filter, time, csv } = pipeline;
  const numberOf = numberReader(csv?.decimal === ',');
  const calculated = calculationOf(pipeline);
  const attributes = Object.entries(pipeline.attributes ?? {});
  const clock = time?.zone;
  const timeSettings = {
    unit: time?.unit,
    parse: time?.format,
    clock,
    repeated: time?.repeated ?? 'reject',
  };
  return (root, bounds) => {
    if (filter && !isKept(resultOf('filter', filter, root))) return undefined;
    const sentUnit = unit && textOf('unit', resultOf('unit', unit, root));
    const atMicros = inField('at', () => instantOf(required(evaluate(at, root)), timeSettings));
    const number = inField('value', () =>
      calculated(numberOf(required(evaluate(value, root))), sentUnit),
    );
    const storedUnit = pipeline.convert?.to ?? sentUnit;
    const named = attributesOf(attributes, root);
    return checkFields(
      {
        series: required(resultOf('series', series, root), 'series: '),
        value: number,
        unit: storedUnit === '' ? undefined : storedUnit,
        attributes: named,
      },
      atMicros,
      bounds,
    );
  };
}

function inField<T>(field: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const message = errorMessage(error);
    throw new Error(message.startsWith(`${field}: `) ? message : `${field}: ${message}`, {
      cause: error,
    });
  }
}

const resultOf = (field: string, expression: Expression, root: Root): JSONValue =>
  inField(field, () => evaluate(expression, root));

function required(result: JSONValue, prefix = ''): JSONValue {
  if (result === null) throw new Error(`${prefix}the expression gives nothing`);
  return result;
}

function isKept(result: JSONValue): boolean {
  if (result === null || result === false) return false;
  if (result === true) return true;
  throw new Error(`filter: gives ${described(result)}, not true or false`);
}

function textOf(field: string, result: JSONValue): string {
  if (typeof result === 'string') return result;
  throw new Error(`${field}: gives ${described(result)}, not a text`);
}

function described(result: JSONValue): string {
  if (result === null) return 'nothing';
  if (Array.isArray(result)) return 'a list';
  if (typeof result === 'object') return 'an object';
  return typeof result === 'string'
    ? `the text ${JSON.stringify(shortened(result, 60))}`
    : String(result);
}

const decimal = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?$/;

/** Returns a function that takes a number, or a text that writes one. */
function numberReader(hasDecimalComma: boolean): (result: JSONValue) => number {
  return (result) => {
    if (typeof result === 'number') return result;
    if (typeof result !== 'string') throw new Error(`gives ${described(result)}, not a number`);
    const text = result.trim();
    const plain = hasDecimalComma && !text.includes('.') ? text.replace(',', '.') : text;
    if (plain.length > 100 || !decimal.test(plain))
      throw new Error(`gives ${described(result)}, not a number`);
    return Number(plain);
  };
}

/** Returns value × scale + offset, converted. */
function calculationOf({
  scale = 1,
  offset = 0,
  convert,
}: Pipeline): (value: number, unit?: string) => number {
  const scaled: Conversion =
    scale === 1 && offset === 0
      ? (value) => value
      : (value) => roundedTo15Digits(value * scale + offset);
  if (!convert) return scaled;
  if (convert.from === undefined) {
    const convertFrom = conversionsTo(convert.to);
    return (value, unit = '') => convertFrom(scaled(value), unit);
  }
  const convertFixed = conversionOf(convert.from, convert.to);
  return (value) => convertFixed(scaled(value));
}

/** Returns the attributes that have a value, undefined if none has. */
function attributesOf(
  expressions: readonly (readonly [string, Expression])[],
  root: Root,
): JSONObject | undefined {
  if (expressions.length === 0) return undefined;
  const named = expressions
    .map(([name, expression]) => [name, resultOf(`attributes.${name}`, expression, root)] as const)
    .filter(([, result]) => result !== null);
  return named.length === 0 ? undefined : Object.fromEntries(named);
}
