/** Exits with 0 if the functions in this container are healthy. */
import { readFileSync } from 'node:fs';
import { secretHeader } from '../caller-check/caller-check.ts';
import { assertHealthy } from '../local/services/health.ts';

const secret = readFileSync('/run/secrets/STREAMSYNC_DOOR_SECRET', 'utf8').trim();
await assertHealthy('http://127.0.0.1:3000', { [secretHeader]: secret });
