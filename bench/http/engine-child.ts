/** `node engine-child.js LOAD`: the engine's rate in a process of its own, whose KEYSTREL_CPU counts. */
import { machine } from '../harness.js';
import { type EngineLoad, engineRate } from './engine-rate.js';

const load = JSON.parse(process.argv[2]!) as EngineLoad;
const { cpu_class } = machine();
process.stdout.write(`${JSON.stringify({ ...(await engineRate(load)), cpu_class })}\n`);
process.exit(0);
