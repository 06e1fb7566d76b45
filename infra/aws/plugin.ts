/**
 * A Serverless plugin that makes what a deployment has and the local stack has not: an artifact of each function, made by
 * artifacts.ts (without it nothing would be packed: the patterns in serverless.yml leave out every file), its network,
 * role and limits, without a secret in its environment; alarms and a dashboard; and that runs the
 * function `prepare` after a deployment. It does nothing in `serverless offline`.
 */
import { join } from 'node:path';
import type { LambdaClientConfig } from '@aws-sdk/client-lambda';
import type { Naming, Service } from './service.ts';
import type { FunctionSettings } from './settings.ts';

interface ServerlessFunction extends Partial<FunctionSettings> {
  package?: { artifact?: string };
  role?: string;
}

interface Serverless {
  service: {
    functions: Record<string, ServerlessFunction>;
    provider: {
      stage: string;
      timeout: number;
      vpc?: object;
      environment: Record<string, unknown>;
      compiledCloudFormationTemplate: { Resources: Record<string, object> };
    };
    custom: { deployment?: unknown };
  };
  serviceDir: string;
  getProvider(name: 'aws'): {
    naming: Naming;
    getAccountId(): Promise<string>;
    getAwsSdkV3Config(): Promise<LambdaClientConfig>;
  };
}

export default class Deployment {
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;
  readonly #serverless: Serverless;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
    this.hooks = {
      'before:package:setupProviderConfiguration': () => this.#addResources(),
      'before:package:createDeploymentArtifacts': () => this.#pack(),
      // `serverless deploy function`
      'before:package:function:package': async () => {
        await this.#configure();
        await this.#pack();
      },
      'before:deploy:deploy': () => this.#checkAccount(),
      'after:deploy:deploy': () => this.#prepare(),
    };
  }

  /** Gives the functions what the deploy file has for them. */
  async #configure(): Promise<Service> {
    const [{ settingsOf }, { pathsIn, readPipelines, topicsOf }, { secretVariables }] =
      await Promise.all([
        import('./settings.ts'),
        import('../../lib/ingest/pipelines/load.ts'),
        import('../../lib/runtime/secret-variables.ts'),
      ]);
    const secrets = new Set<string>(secretVariables);
    const service = await this.#service();
    const { functions, provider } = this.#serverless.service;
    provider.vpc = service.deployment.vpc;
    provider.environment = Object.fromEntries(
      Object.entries(provider.environment).filter(([name]) => !secrets.has(name)),
    );
    const pipelineTopics = topicsOf(readPipelines(pathsIn(process.env.STREAMSYNC_PIPELINES)));
    for (const it of service.functions) {
      const settings = settingsOf(it, service.deployment, pipelineTopics);
      const environment = { ...functions[it.name]?.environment, ...settings.environment };
      functions[it.name] = { ...functions[it.name], ...settings, environment };
    }
    return service;
  }

  /** Serverless makes a role for all functions that have none, so they have theirs before. */
  async #addResources(): Promise<void> {
    const [{ rolesOf }, { alarmsOf }, { dashboardOf }] = await Promise.all([
      import('./roles.ts'),
      import('./alarms.ts'),
      import('./dashboard.ts'),
    ]);
    const service = await this.#configure();
    const { functions, provider } = this.#serverless.service;
    for (const { name, role } of service.functions) functions[name] = { ...functions[name], role };
    Object.assign(provider.compiledCloudFormationTemplate.Resources, {
      ...rolesOf(service),
      ...alarmsOf(service),
      Dashboard: dashboardOf(service),
    });
  }

  async #pack(): Promise<void> {
    // Loaded only here, since esbuild would delay the start of the local stack.
    const [{ makeArtifacts }, { handlersOf }] = await Promise.all([
      import('./artifacts.ts'),
      import('./functions.ts'),
    ]);
    const { service, serviceDir } = this.#serverless;
    const artifacts = await makeArtifacts(handlersOf(service.functions), {
      root: serviceDir,
      directory: join(serviceDir, 'dist/functions'),
      pipelines: process.env.STREAMSYNC_PIPELINES ?? '',
      databaseCa: (await this.#service()).deployment.databaseCa,
    });
    for (const { name, path } of artifacts)
      service.functions[name] = { ...service.functions[name], package: { artifact: path } };
  }

  /** Throws if the credentials of the shell are those of another account than the deploy file names. */
  async #checkAccount(): Promise<void> {
    const { deployment, stage } = await this.#service();
    const account = await this.#serverless.getProvider('aws').getAccountId();
    if (account !== deployment.account)
      throw new Error(
        `The AWS credentials are those of the account ${account}; account in deploy.${stage}.yml is ${deployment.account}`,
      );
  }

  /** The functions are there by now, so a deployment that fails here can be repeated once the cause is gone. */
  async #prepare(): Promise<void> {
    const { invokePrepare } = await import('./invoke-prepare.ts');
    const service = await this.#service();
    const report = await invokePrepare(
      service,
      await this.#serverless.getProvider('aws').getAwsSdkV3Config(),
    );
    console.log(`Prepared: ${JSON.stringify(report)}`);
  }

  async #service(): Promise<Service> {
    const { readService } = await import('./service.ts');
    return readService(this.#serverless.service, this.#serverless.getProvider('aws').naming);
  }
}
