/**
 * Writes the configuration of NGINX in a container:
 *
 *     node infra/nginx/render.ts <directory>
 *
 * NGINX is started in that directory (start.sh), which it shares with the authorizer and the shipper. The origins and the
 * limits are in the environment (docs/operations.md), and /etc/resolv.conf names the DNS servers.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../local/home/atomic-file.ts';
import { renderDoor } from './configuration.ts';
import { containerSettings } from './container.ts';

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: render.ts <directory>');

const settings = containerSettings(process.env, readFileSync('/etc/resolv.conf', 'utf8'));
for (const [name, text] of renderDoor(settings)) writeFileAtomic(join(directory, name), text);
