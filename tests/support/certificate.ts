import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** As PEM. */
export interface KeyAndCertificate {
  key: string;
  certificate: string;
}

export interface Authority {
  /** As PEM. */
  certificate: string;
  /** Returns a key and a certificate of this authority for host names and IPv4 addresses. */
  issue: (...hosts: readonly string[]) => KeyAndCertificate;
}

/**
 * Creates an authority. Node has no function for certificates; these have only the fields that a server needs.
 * https://www.rfc-editor.org/rfc/rfc5280#section-4.1
 */
export function createAuthority(name = 'authority of a test'): Authority {
  const own = newKeys();
  return {
    certificate: certificateOf({
      issuer: { name, key: own.privateKey },
      subject: name,
      publicKey: own.publicKey,
      extension: isAuthority,
    }),
    issue: (...hosts) => {
      const { privateKey, publicKey } = newKeys();
      return {
        key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        certificate: certificateOf({
          issuer: { name, key: own.privateKey },
          subject: hosts[0] ?? '',
          publicKey,
          extension: hostNames(hosts),
        }),
      };
    },
  };
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

interface Fields {
  issuer: { name: string; key: KeyObject };
  subject: string;
  publicKey: KeyObject;
  extension: Buffer;
}

function certificateOf({ issuer, subject, publicKey, extension }: Fields): string {
  const algorithm = der(0x30, ecdsaWithSha256);
  const body = der(
    0x30,
    version3,
    der(0x02, Buffer.from([1]), randomBytes(8)),
    algorithm,
    distinguishedName(issuer.name),
    der(0x30, time('200101000000Z'), time('491231235959Z')),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, extension)),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, issuer.key));
  const lines = der(0x30, body, algorithm, signature)
    .toString('base64')
    .replaceAll(/.{1,64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
}

/** Returns a DER value: tag, length, content. */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const { length } = Buffer.concat(contents);
  const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), ...contents]);
}

const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const time = (text: string): Buffer => der(0x17, Buffer.from(text));
const distinguishedName = (commonName: string): Buffer =>
  der(0x30, der(0x31, der(0x30, oid('550403'), der(0x0c, Buffer.from(commonName)))));
const version3 = der(0xa0, der(0x02, Buffer.from([2])));
const ecdsaWithSha256 = oid('2a8648ce3d040302');

/** Basic constraints, critical. */
const isAuthority = der(
  0x30,
  oid('551d13'),
  der(0x01, Buffer.from([0xff])),
  der(0x04, der(0x30, der(0x01, Buffer.from([0xff])))),
);

/** Subject alternative names. */
const hostNames = (hosts: readonly string[]): Buffer =>
  der(
    0x30,
    oid('551d11'),
    der(
      0x04,
      der(
        0x30,
        ...hosts.map((host) =>
          isIP(host) === 4
            ? der(0x87, Buffer.from(host.split('.').map(Number)))
            : der(0x82, Buffer.from(host)),
        ),
      ),
    ),
  );
