/**
 * A Serverless plugin that gives each function an artifact of its own, made by artifacts.ts. Without it nothing would be
 * packed: the patterns in serverless.yml leave out every file. It does nothing in `serverless offline`.
 */
import { join } from 'node:path';

interface Serverless {
  service: { functions: Record<string, { package?: { artifact?: string } }> };
  serviceDir: string;
}

export default class Artifacts {
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;
  readonly #serverless: Serverless;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
    const make = (): Promise<void> => this.#make();
    this.hooks = {
      'before:package:createDeploymentArtifacts': make,
      // `serverless deploy function`
      'before:package:function:package': make,
    };
  }

  async #make(): Promise<void> {
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
    });
    for (const { name, path } of artifacts)
      service.functions[name] = { ...service.functions[name], package: { artifact: path } };
  }
}
