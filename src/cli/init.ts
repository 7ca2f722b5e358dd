/** `keystrel init`: makes a data directory, and shows the first access key, once. */
import type { Config } from '../core/config.js';
import { initialise } from '../deployment.js';
import { createEngine } from '../engine/engine.js';
import { newAccessKey, printCredentials, withoutWorkers } from './administrator.js';

export interface InitOptions {
  /** User name of the first administrator. */
  readonly admin: string;
  readonly json: boolean;
}

export async function runInit(config: Config, options: InitOptions): Promise<void> {
  const engine = await createEngine(withoutWorkers(config));
  try {
    const deployment = await initialise(config, engine);
    try {
      printCredentials(await newAccessKey(deployment, options.admin), options.json);
    } finally {
      await deployment.close();
    }
  } finally {
    await engine.close();
  }
}
