// Two years of a shop: customers, their orders, more or fewer by hour and weekday, and the items of the orders.
// Every row comes from a random stream seeded by its id. Therefore orders and order_items agree although they are
// generated separately: the total of an order is the sum of its items.

import { type Row } from './csv.ts';
import { at, Random } from './random.ts';
import { type Demo } from './table.ts';
import { awkwardTexts, longText, remark } from './texts.ts';
import {
  dateText,
  microsPerDay,
  microsPerHour,
  microsPerSecond,
  startOf,
  timestampText,
} from './time.ts';

const customerCount = 20_000;
export const orderCount = 201_000;
const contactCount = 300;

const dataStart = startOf('2024-01-01');
const dataEnd = startOf('2026-01-01');
const hourCount = (dataEnd - dataStart) / microsPerHour;
const firstCustomerAt = startOf('2020-03-01');

/** Relative numbers of orders by hour of the day, in UTC, and by day of the week, from Monday. */
const hourWeights = [
  3, 2, 1, 1, 1, 2, 4, 7, 9, 11, 12, 12, 13, 12, 11, 11, 12, 13, 15, 17, 16, 13, 9, 5,
];
const dayWeights = [10, 10, 10, 11, 13, 8, 6];
const sumOfWeights = Array.from({ length: hourCount }, (_, hour) => weight(hour)).reduce(
  (sum, each) => sum + each,
  0,
);

const places = [
  { city: 'Hamburg', country: 'DE', currency: 'EUR' },
  { city: 'Köln', country: 'DE', currency: 'EUR' },
  { city: "L'Haÿ-les-Roses", country: 'FR', currency: 'EUR' },
  { city: 'Den Haag', country: 'NL', currency: 'EUR' },
  { city: 'London', country: 'GB', currency: 'GBP' },
  { city: 'Łódź', country: 'PL', currency: 'PLN' },
  { city: 'Malmö', country: 'SE', currency: 'SEK' },
  { city: 'Zürich', country: 'CH', currency: 'CHF' },
  { city: 'Washington, D.C.', country: 'US', currency: 'USD' },
  { city: '東京', country: 'JP', currency: 'JPY' },
] as const;
const firstNames = [
  'Anna',
  'Zoë',
  'José',
  'Łukasz',
  'Mary Jane',
  'Jürgen',
  '美咲',
  'محمد',
  'Siân',
  'Bob "Buzz"',
  'Nguyễn',
  'Åsa',
] as const;
const lastNames = [
  "O'Brien",
  'Müller',
  'van der Berg',
  'Nowak',
  'Smith, Jr.',
  'García Márquez',
  '佐藤',
  'Lindström',
  'Dvořák',
  'Null',
  'D’Angelo',
  'Kowalska-Żak',
] as const;

const articles = [
  priced('Desk lamp', '34.99'),
  priced('Cable 3", black', '4.995'),
  priced('Screws M4×20 (each)', '0.0425'),
  priced('Standing desk', '479'),
  priced('Chair "Ergo"', '219.9'),
  priced('Notebook, ruled', '3.25'),
  priced('Café crème 1 kg', '18.99'),
  priced('Monitor 27″', '289.4999'),
  priced('Paper A4\\500', '6.1234'),
  priced('Gift card', '25'),
  priced('Sticker 🚀', '0.9999'),
];
const discountPercents = [5, 10, 15, 20, 30] as const;
const itemAttributes = [
  '{"colour": "red", "size": "M"}',
  '{"colour": "grün", "size": null}',
  '{"engraving": "For \\"Zoë\\",\\n with love ❤"}',
  '{"weightKg": 1.50, "parts": [1, 2.0, "3", null, {"spare": true}]}',
  '{"serial": 12345678901234567890, "path": "C:\\\\bin"}',
  '{}',
  '[]',
] as const;
const carriers = ['DHL', 'UPS', 'PostNL', 'La Poste', 'ヤマト'] as const;
const tagArrays = [
  '{}',
  '{vip}',
  '{vip,wholesale}',
  '{"with, comma","with \\"quotes\\"",NULL,"NULL",""}',
  '{"back\\\\slash","line\nbreak"}',
] as const;
const callIntervals = ['P14D', 'P1M', 'P1Y2M3DT4H5M6.789S', 'PT0S', 'P-1DT-2H'] as const;

export const sales: Demo = {
  database: 'sales',
  tables: [
    {
      name: 'customers',
      columns: ['id', 'name', 'email', 'city', 'country', 'note', 'created_at'],
      rows: customers,
    },
    {
      name: 'orders',
      columns: [
        'id',
        'customer_id',
        'ordered_at',
        'status',
        'total',
        'currency',
        'shipping',
        'comment',
        'shipped_on',
      ],
      rows: orders,
    },
    {
      name: 'order_items',
      columns: [
        'order_id',
        'line',
        'product',
        'quantity',
        'unit_price',
        'discount',
        'attributes',
        'updated_at',
      ],
      rows: orderItems,
    },
    {
      name: 'crm.contacts',
      columns: [
        'id',
        'customer_id',
        'name',
        'born_on',
        'last_call',
        'active',
        'photo',
        'tags',
        'call_every',
      ],
      rows: contacts,
    },
  ],
};

function* customers(): Generator<Row> {
  const step = (dataStart - firstCustomerAt) / customerCount;
  for (let id = 1; id <= customerCount; id++) {
    const random = new Random(id);
    const place = placeOf(id);
    const createdAt = firstCustomerAt + Math.floor((id - 1) * step) + random.below(microsPerSecond);
    yield [
      id,
      nameOf(random),
      `customer${id}@example.com`,
      place.city,
      place.country,
      id % 9 === 0 ? at(awkwardTexts, id / 9) : null,
      timestampText(createdAt),
    ];
  }
}

/** Yields the orders by ordered_at. The first ones have the awkward texts as comments, one each. */
export function* orders(): Generator<Row> {
  for (const { id, orderedAt } of orderTimes()) {
    const random = streamOf(id, 1);
    const customer = 1 + random.below(customerCount);
    const place = placeOf(customer);
    const { status, shippedOn } = progress(random, orderedAt);
    const cents = totalOf(itemsOf(id));
    yield [
      id,
      customer,
      timestampText(orderedAt),
      status,
      `${Math.floor(cents / 100)}.${String(100 + (cents % 100)).slice(1)}`,
      place.currency,
      shipping(random, id, status, place.city),
      comment(random, id),
      shippedOn === null ? null : dateText(shippedOn),
    ];
  }
}

export function* orderItems(): Generator<Row> {
  for (const { id, orderedAt } of orderTimes()) {
    const random = streamOf(id, 2);
    const updatedAt = orderedAt + random.below(4 * microsPerHour);
    const updatedText =
      updatedAt >= dataEnd || random.below(20) === 0 ? null : timestampText(updatedAt);
    let line = 0;
    for (const { article, quantity, discountPercent } of itemsOf(id)) {
      line += 1;
      yield [
        id,
        line,
        article.product,
        quantity,
        article.price,
        discountPercent === 0 ? null : discountPercent / 100,
        random.below(8) === 0 ? random.pick(itemAttributes) : null,
        updatedText,
      ];
    }
  }
}

function* contacts(): Generator<Row> {
  for (let id = 1; id <= contactCount; id++) {
    const random = streamOf(id, 3);
    const hex = Array.from({ length: 4 }, () => random.next().toString(16).padStart(8, '0')).join(
      '',
    );
    yield [
      `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`,
      id,
      nameOf(random),
      id % 7 === 0 ? null : dateText(startOf('1940-01-01') + random.below(25_000) * microsPerDay),
      id % 5 === 0
        ? null
        : timestampText(
            dataStart +
              random.below(700) * microsPerDay +
              random.below(microsPerDay / microsPerSecond) * microsPerSecond +
              random.below(microsPerSecond),
          ).slice(0, -1),
      id % 3 === 0 ? 'false' : 'true',
      id % 4 === 0 ? null : `\\x${hex.slice(0, (id % 17) * 2)}`,
      id % 6 === 0 ? null : at(tagArrays, id),
      id % 8 === 0 ? null : at(callIntervals, id),
    ];
  }
}

/**
 * Yields the time of each order. The number of orders in an hour follows its weight. The first order is at dataStart, the
 * last a microsecond before dataEnd, and about one in 64 has the same instant as the order before.
 */
export function* orderTimes(): Generator<{ id: number; orderedAt: number }> {
  const random = new Random(2024);
  let weights = 0;
  let before = 0;
  let orderedAt = dataStart;
  for (let hour = 0; hour < hourCount; hour++) {
    weights += weight(hour);
    const until = Math.floor((orderCount * weights) / sumOfWeights);
    const gap = microsPerHour / (until - before);
    for (let id = before + 1; id <= until; id++) {
      const tied = random.below(64) === 0;
      const next =
        dataStart +
        hour * microsPerHour +
        Math.floor((id - before - 1) * gap) +
        random.below(Math.floor(gap));
      if (id === orderCount) orderedAt = dataEnd - 1;
      else if (id > 1 && !tied) orderedAt = next;
      yield { id, orderedAt };
    }
    before = until;
  }
}

function weight(hour: number): number {
  return at(hourWeights, hour) * at(dayWeights, Math.floor(hour / 24)); // 2024-01-01 is a Monday
}

interface Article {
  product: string;
  price: string;
  /** The price in ten-thousandths, so that totals are exact. */
  tenThousandths: number;
}

function priced(product: string, price: string): Article {
  return { product, price, tenThousandths: Math.round(Number(price) * 10_000) };
}

interface Item {
  article: Article;
  quantity: number;
  /** 0 if there is no discount. */
  discountPercent: number;
}

function itemsOf(order: number): Item[] {
  const random = streamOf(order, 0);
  const items: Item[] = [];
  for (let left = 1 + random.below(4); left > 0; left--) {
    items.push({
      article: random.pick(articles),
      quantity: 1 + random.below(5),
      discountPercent: random.below(5) === 0 ? random.pick(discountPercents) : 0,
    });
  }
  return items;
}

/** Returns the total in cents, each item rounded half up. */
function totalOf(items: Item[]): number {
  let total = 0;
  for (const { article, quantity, discountPercent } of items)
    total += Math.round((quantity * article.tenThousandths * (100 - discountPercent)) / 10_000);
  return total;
}

/** Returns one of four independent random streams of an id. */
function streamOf(id: number, use: 0 | 1 | 2 | 3): Random {
  return new Random(id * 4 + use);
}

function placeOf(customer: number): (typeof places)[number] {
  return at(places, customer * 7919 + Math.floor(customer / 10));
}

function nameOf(random: Random): string {
  return `${random.pick(firstNames)} ${random.pick(lastNames)}`;
}

function progress(random: Random, orderedAt: number): { status: string; shippedOn: number | null } {
  const chance = random.below(100);
  const shippedOn = orderedAt + (1 + random.below(5)) * microsPerDay;
  if (chance < 4) return { status: 'cancelled', shippedOn: null };
  if (shippedOn >= dataEnd) return { status: chance < 20 ? 'pending' : 'paid', shippedOn: null };
  if (shippedOn >= dataEnd - 4 * microsPerDay) return { status: 'shipped', shippedOn };
  return { status: chance < 7 ? 'returned' : 'delivered', shippedOn };
}

/** Returns JSON text, or null if the order is not shipped. Orders with a multiple of 4,999 as id have the JSON value null. */
function shipping(random: Random, id: number, status: string, city: string): string | null {
  if (status === 'pending' || status === 'paid' || status === 'cancelled') return null;
  if (id % 4999 === 0) return 'null';
  if (random.below(10) < 4) return null; // picked up in the shop
  const express = random.below(5) === 0 ? ', "express": true' : '';
  const parcels =
    random.below(10) === 0 ? ', "parcels": [{"no": 1, "kg": 0.50}, {"no": 2, "kg": 12.0}]' : '';
  return `{"to": "${city}", "carrier": "${random.pick(carriers)}"${express}${parcels}}`;
}

function comment(random: Random, id: number): string | null {
  if (id <= awkwardTexts.length) return at(awkwardTexts, id - 1);
  if (id % 2000 === 0)
    return longText(random, id % 10_000 === 0 ? 5000 : 1000 + random.below(4000));
  const chance = random.below(100);
  if (chance < 55) return null;
  if (chance < 58) return '';
  return chance < 92 ? remark(random) : random.pick(awkwardTexts);
}
