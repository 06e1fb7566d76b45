import { describe, expect, test } from '@jest/globals';
import { type DoorSettings, renderDoor } from './configuration.ts';
import { containerSettings } from './container.ts';

const doorSecret = 'x'.repeat(43);
const environment = {
  STREAMSYNC_DOOR_SECRET: doorSecret,
  STREAMSYNC_FUNCTIONS_URL: 'https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com',
  STREAMSYNC_LIVE_URL: 'wss://f6g7h8i9j0.execute-api.eu-central-1.amazonaws.com/prod',
  STREAMSYNC_OBJECTS_URL: 'https://example-streamsync-exports.s3.eu-central-1.amazonaws.com',
};
const resolvConf =
  'search eu-central-1.compute.internal\nnameserver 10.0.0.2\nnameserver fd00::2\n';

const ofContainer: DoorSettings = containerSettings(environment, resolvConf);
const ofMachine: DoorSettings = {
  user: 'www-data www-data',
  listen: ['127.0.0.1:8080', '[::1]:8080'],
  page: 'web',
  requestsLog: 'requests.log',
  deliveriesLog: 'deliveries.log',
  authorizer: '127.0.0.1:20009',
  origins: {
    functions: new URL('http://127.0.0.1:20006'),
    live: new URL('http://127.0.0.1:20008/live'),
    objects: new URL('http://127.0.0.1:20005'),
    resolvers: [],
    authorities: [],
  },
  doorSecret,
  environment: {},
};

/** Returns the lines of a rendering with the name of their file and, inside a block, what opens it. */
function linesOf(settings: DoorSettings): string[] {
  return [...renderDoor(settings)].flatMap(([name, text]) => {
    const open: string[] = [];
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        if (line === '}') open.pop();
        const placed = [name, ...open.filter((it) => it.startsWith('location')), line].join(' > ');
        if (line.endsWith('{')) open.push(line);
        return placed;
      });
  });
}

describe('the renderings for one machine and for containers', () => {
  const machine = linesOf(ofMachine);
  const container = linesOf(ofContainer);
  const isRest = (line: string): boolean => !/^(origins\.conf|authorities\.pem)/.test(line);
  const only = (lines: string[], others: string[]): string[] =>
    lines.filter((line) => isRest(line) && !others.includes(line));

  test('differ in these lines, of which none decides about a request', () => {
    expect(only(machine, container)).toEqual([
      ...logsOfDownloads('requests.log', 'deliveries.log'),
      'nginx.conf > user www-data www-data;',
      'nginx.conf > access_log requests.log requests;',
      'nginx.conf > upstream authorizer { server 127.0.0.1:20009; keepalive 32; }',
      'nginx.conf > listen 127.0.0.1:8080 sndbuf=128k; listen [::1]:8080 sndbuf=128k;',
      'nginx.conf > root web;',
    ]);
    expect(only(container, machine)).toEqual([
      ...logsOfDownloads('/dev/stdout', 'deliveries.log.$log_hour'),
      'nginx.conf > access_log /dev/stdout requests;',
      'nginx.conf > upstream authorizer { server 127.0.0.1:9000; keepalive 32; }',
      'nginx.conf > listen 8080 sndbuf=128k;',
      'nginx.conf > root /usr/share/streamsync/page;',
    ]);
  });

  test('have the same locations', () => {
    const locations = (lines: string[]): string[] =>
      lines.flatMap((line) => /^[\w.-]+ > (location .*\{)$/.exec(line)?.[1] ?? []);
    expect(locations(container)).toEqual(locations(machine));
    expect(locations(container)).toContain('location = /healthz {');
    expect(locations(container).length).toBeGreaterThan(15);
  });

  test('lead from outside to no route of the authorizer but its health', () => {
    const passed = container.filter((line) => line.includes('proxy_pass http://authorizer'));
    expect(passed).toHaveLength(3);
    for (const line of passed) {
      const [file = '', location = ''] = line.split(' > ');
      const isInternal = container.includes(`${file} > ${location} > internal;`);
      expect([location, isInternal]).toEqual([location, location !== 'location = /healthz {']);
    }
  });
});

const logsOfDownloads = (requests: string, deliveries: string): string[] =>
  ['location ~ "^/files/(?<ticket>[A-Za-z0-9_-]{43})/[^/]+$" {', 'location @no_bytes {'].flatMap(
    (location) => [
      `downloads.conf > ${location} > access_log ${requests} requests;`,
      `downloads.conf > ${location} > access_log ${deliveries} deliveries if=$sent_file;`,
    ],
  );

describe('the origins', () => {
  const originsOf = (settings: DoorSettings): string =>
    renderDoor(settings).get('origins.conf') ?? '';

  test('that are addresses keep their connections', () => {
    expect(originsOf(ofMachine)).toBe(`upstream functions { server 127.0.0.1:20006; keepalive 32; }
map "" $functions_origin { default http://functions; }
upstream live { server 127.0.0.1:20008; keepalive 32; }
map "" $live_origin { default http://live/live; }
upstream objects { server 127.0.0.1:20005; keepalive 32; }
map "" $objects_origin { default http://objects; }
`);
  });

  test('that are names are resolved again, and have to prove these names', () => {
    expect(originsOf(ofContainer)).toBe(`resolver 10.0.0.2 [fd00::2] ipv6=off;
resolver_timeout 2s;
proxy_ssl_server_name on;
proxy_ssl_verify on;
proxy_ssl_verify_depth 4;
proxy_ssl_trusted_certificate authorities.pem;
map "" $functions_origin { default https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com; }
map "" $live_origin { default https://f6g7h8i9j0.execute-api.eu-central-1.amazonaws.com/prod; }
map "" $objects_origin { default https://example-streamsync-exports.s3.eu-central-1.amazonaws.com; }
`);
  });

  test.each([
    ['no http', 'ftp://functions'],
    ['a query', 'http://functions/?a=1'],
    ['a password', 'http://user:password@functions'],
    ['what NGINX would take for a variable or the end of the value', 'http://functions/$host;'],
  ])('with %s are refused', (_, functions) => {
    const origins = { ...ofMachine.origins, functions: new URL(functions) };
    expect(() => renderDoor({ ...ofMachine, origins })).toThrow('an origin of NGINX is http(s)');
  });

  test('that are names are refused without a DNS server', () => {
    expect(() => renderDoor(containerSettings(environment, ''))).toThrow('no DNS server');
  });
});

describe('the variables of a container', () => {
  test('are named when they are wrong, without their values', () => {
    const wrong = { ...environment, STREAMSYNC_DOOR_SECRET: 'short', STREAMSYNC_LIVE_URL: 'live' };
    expect(() => containerSettings(wrong, resolvConf)).toThrow(
      'Configuration errors:\n  STREAMSYNC_DOOR_SECRET: must have at least 32 characters\n  STREAMSYNC_LIVE_URL: Invalid URL',
    );
  });
});
