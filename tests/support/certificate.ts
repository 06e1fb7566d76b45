import { generateKeyPairSync, sign } from 'node:crypto';

/**
 * Returns a key and a self-signed certificate for it, as PEM. Node has no function for certificates; this one has
 * only the fields that a server needs. https://www.rfc-editor.org/rfc/rfc5280#section-4.1
 */
export function selfSigned(): { key: string; certificate: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const name = der(0x30, der(0x31, der(0x30, commonName, der(0x0c, Buffer.from('localhost')))));
  const algorithm = der(0x30, ecdsaWithSha256);
  const body = der(
    0x30,
    der(0x02, Buffer.from([1])),
    algorithm,
    name,
    der(0x30, time('200101000000Z'), time('491231235959Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, privateKey));
  const certificate = der(0x30, body, algorithm, signature).toString('base64');
  const lines = certificate.replaceAll(/.{1,64}/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`,
  };
}

/** Returns a DER value: tag, length, content. */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const { length } = Buffer.concat(contents);
  const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), ...contents]);
}

const time = (text: string): Buffer => der(0x17, Buffer.from(text));
const commonName = der(0x06, Buffer.from([0x55, 0x04, 0x03]));
const ecdsaWithSha256 = der(0x06, Buffer.from('2a8648ce3d040302', 'hex'));
