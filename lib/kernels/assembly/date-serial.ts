/**
 * Dates and timestamps as the numbers that `toDateSerial` of lib/formats/xlsx/date-serial.ts returns, and these numbers as
 * JavaScript writes them.
 */
import { endValue, isEnd, MINUS, SPACE } from './scan';

/** What `serialOf` returns for a text that has no number, and for one that is left to the caller. */
export const NO_SERIAL: f64 = 0;
export const UNKNOWN_SERIAL: f64 = -1;

const COLON: u8 = 0x3a;
const POINT: u8 = 0x2e;
const DAY_LENGTH: usize = 10;
const TIME_LENGTH: usize = 19;
/** Days from 1899-12-30 to 1970-01-01, and from 0000-03-01 to it. */
const DAYS_BEFORE_1970: i32 = 25_569;
const DAYS_OF_ERAS: i32 = 719_468;
const FIRST_DAY: i32 = 1900_03_01;
/** 9999-12-31 23:59:59.999. */
const MAX_SERIAL: f64 = 2_958_465 + 86_399.999 / 86_400;

/** Returns the number of two digits, a negative one for any other two bytes. */
function twoDigits(at: usize): i32 {
  const tens = <u32>load<u8>(at) - 0x30;
  const ones = <u32>load<u8>(at, 1) - 0x30;
  return tens > 9 || ones > 9 ? -1 : <i32>(tens * 10 + ones);
}

/** Reads a value of 10, 19 or more characters. Sets its end if it has a number. */
export function serialOf(at: usize): f64 {
  const century = twoDigits(at);
  const yearOfCentury = twoDigits(at + 2);
  const month = twoDigits(at + 5);
  const day = twoDigits(at + 8);
  if ((century | yearOfCentury | month | day) < 0) return NO_SERIAL;
  if (load<u8>(at, 4) != MINUS || load<u8>(at, 7) != MINUS) return NO_SERIAL;
  let seconds: f64 = 0;
  if (isEnd(load<u8>(at, DAY_LENGTH))) endValue(at + DAY_LENGTH);
  else {
    seconds = secondsOf(at + DAY_LENGTH);
    if (seconds < 0) return seconds == UNKNOWN_SERIAL ? UNKNOWN_SERIAL : NO_SERIAL;
  }
  const year = century * 100 + yearOfCentury;
  if (year * 10_000 + month * 100 + day < FIRST_DAY) return NO_SERIAL;
  if (month < 1 || month > 12) return UNKNOWN_SERIAL;
  const serial = <f64>(daysOf(year, month, day) + DAYS_BEFORE_1970) + seconds / 86_400;
  return serial <= MAX_SERIAL ? serial : NO_SERIAL;
}

/** Returns days since 1970. Years begin in March here, so that a leap day is the last one. */
function daysOf(year: i32, month: i32, day: i32): i32 {
  const marchYear = month > 2 ? year : year - 1;
  const monthsAfterMarch = month > 2 ? month - 3 : month + 9;
  return (
    marchYear * 365 +
    marchYear / 4 -
    marchYear / 100 +
    marchYear / 400 +
    (153 * monthsAfterMarch + 2) / 5 +
    day -
    1 -
    DAYS_OF_ERAS
  );
}

/** Returns the seconds of a space and a time, `UNKNOWN_SERIAL` if their fraction is unusual, -2 if there is no time. */
function secondsOf(at: usize): f64 {
  if (load<u8>(at) != SPACE) return -2;
  const hours = twoDigits(at + 1);
  const minutes = twoDigits(at + 4);
  if ((hours | minutes) < 0 || load<u8>(at, 3) != COLON || load<u8>(at, 6) != COLON) return -2;
  const whole = twoDigits(at + 7);
  if (whole < 0) return -2;
  let p = at + TIME_LENGTH - DAY_LENGTH;
  let seconds = <f64>whole;
  if (load<u8>(p) == POINT) {
    let units = whole;
    let perSecond = 1;
    for (p++; perSecond < 1_000_000; p++) {
      const digit = <u32>load<u8>(p) - 0x30;
      if (digit > 9) break;
      units = units * 10 + <i32>digit;
      perSecond *= 10;
    }
    if (perSecond == 1 || !isEnd(load<u8>(p))) return UNKNOWN_SERIAL;
    // Both are exact, so the quotient is rounded as the decimal number is.
    seconds = <f64>units / <f64>perSecond;
  }
  if (!isEnd(load<u8>(p))) return -2;
  endValue(p);
  return <f64>(hours * 3_600 + minutes * 60) + seconds;
}

/** Bytes of the number that `digitsOf` returned last. */
export let digitsLength: usize = 0;

/** Returns the decimal digits of a number of at most 8, the first one in the lowest byte. */
export function digitsOf(number: u32): u64 {
  let digits: u64 = 0;
  let length: usize = 0;
  let rest = number;
  do {
    digits = (digits << 8) | (0x30 + (rest % 10));
    rest /= 10;
    length++;
  } while (rest != 0);
  digitsLength = length;
  return digits;
}

/**
 * Writes a serial, from 61 on and below 2^22, with as few digits as identify it, as JavaScript does: its whole part, and the
 * digits of its fraction up to the first at which the rest is within half a unit of the last place of the number. The bits
 * of the fraction, at most 47, and ten times as much are a number of 64 bits. (G. L. Steele and J. L. White, 1990.)
 */
export function writeSerial(to: usize, serial: f64): usize {
  const bits = reinterpret<u64>(serial);
  const places = 52 - ((bits >> 52) - 1_023);
  const mantissa = (bits & 0xf_ffff_ffff_ffff) | 0x10_0000_0000_0000;
  store<u64>(to, digitsOf(<u32>(mantissa >> places)));
  let o = to + digitsLength;
  const one: u64 = 2 << places;
  let rest = (mantissa << 1) & (one - 1);
  if (rest == 0) return o;
  store<u8>(o++, POINT);
  /** Half of a unit of the last place. */
  let half: u64 = 1;
  while (true) {
    rest *= 10;
    half *= 10;
    const digit = <u8>(rest / one);
    rest &= one - 1;
    const isLow = rest < half;
    const isHigh = rest + half > one;
    if (isLow || isHigh) {
      const isUp = !isLow || (isHigh && (2 * rest > one || (2 * rest == one && (digit & 1) == 1)));
      store<u8>(o, 0x30 + digit + <u8>isUp);
      return o + 1;
    }
    store<u8>(o++, 0x30 + digit);
  }
  return o;
}
