import { checkKafka } from '../../lib/messaging/kafka.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { checkHealth } from '../../lib/runtime/health.ts';
import { anonymous, http } from '../../lib/runtime/http.ts';
import { checkStorage } from '../../lib/storage/s3.ts';

/** GET /health */
export const handler = http(anonymous, async () => ({
  status: 200,
  body: await checkHealth({
    catalogue: () => catalogue().query('select 1'),
    kafka: checkKafka,
    storage: checkStorage,
  }),
}));
