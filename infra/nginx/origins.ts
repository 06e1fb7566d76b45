/** Renders where NGINX finds the functions, the live sockets and the objects. */
import { isIP } from 'node:net';

/** Next to origins.conf. */
export const authoritiesFile = 'authorities.pem';

export interface Origins {
  functions: URL;
  /** With the path of the sockets: the stage, on AWS. */
  live: URL;
  objects: URL;
  /** DNS servers for hosts that are names. */
  resolvers: readonly string[];
  /** Certificates, as PEM, of the authorities that NGINX trusts in origins with TLS. */
  authorities: readonly string[];
}

/**
 * Returns origins.conf: the variables `$functions_origin`, `$live_origin` and `$objects_origin`. An address becomes an
 * upstream with connections that are kept. A name is resolved again whenever its record expires, since the addresses of
 * API Gateway, of S3 and of a container change; NGINX opens a connection for each request to it. Newer releases of NGINX
 * could keep those (`resolve` in an upstream), but then the configuration would not be the one that runs on one machine.
 *
 * @throws if an origin is no `http:` or `https:` URL, has more than host and path, or is a name without a resolver
 */
export function originsConf(origins: Origins): string {
  const { functions, live, objects, resolvers } = origins;
  for (const url of [functions, live, objects]) assertPlain(url);
  const urls = [functions, live, objects];
  const hasNames = urls.some((url) => !isAddress(url));
  if (hasNames && resolvers.length === 0)
    throw new Error('no DNS server for the origins of NGINX: /etc/resolv.conf names none');
  return [
    ...(hasNames
      ? [`resolver ${resolvers.map(bracketed).join(' ')} ipv6=off;`, 'resolver_timeout 2s;']
      : []),
    ...(urls.some(({ protocol }) => protocol === 'https:')
      ? [
          'proxy_ssl_server_name on;',
          'proxy_ssl_verify on;',
          'proxy_ssl_verify_depth 4;',
          `proxy_ssl_trusted_certificate ${authoritiesFile};`,
        ]
      : []),
    ...originOf('functions', functions),
    ...originOf('live', live),
    ...originOf('objects', objects),
    '',
  ].join('\n');
}

function originOf(name: string, url: URL): string[] {
  const { protocol, host } = url;
  const path = url.pathname.replace(/\/$/, '');
  const variable = (authority: string): string =>
    `map "" $${name}_origin { default ${protocol}//${authority}${path}; }`;
  return isAddress(url)
    ? [`upstream ${name} { server ${host}; keepalive 32; }`, variable(name)]
    : [variable(host)];
}

function assertPlain(url: URL): void {
  const isPlain = `${url.protocol}//${url.host}${url.pathname}` === url.href;
  if (!isPlain || !/^https?:$/.test(url.protocol) || !/^[\w/.-]*$/.test(url.pathname))
    throw new Error(`an origin of NGINX is http(s)://host[:port][/path], not ${url.href}`);
}

const isAddress = ({ hostname }: URL): boolean => isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
const bracketed = (address: string): string => (isIP(address) === 6 ? `[${address}]` : address);
