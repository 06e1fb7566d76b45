import { signIn } from '../../lib/access/sessions.ts';
import { describeRequest } from '../../lib/audit/request-audit.ts';
import { credentialsSchema } from '../../lib/contracts/sessions.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { clientAddress } from '../../lib/runtime/door.ts';
import { httpHandler, noAuth } from '../../lib/runtime/http-handler.ts';

/** POST /sessions */
export const handler = httpHandler(noAuth, async ({ body, header }) => {
  const { email, password } = body(credentialsSchema, sizes.signInBytes);
  describeRequest({ target: email });
  const attempt = { email, address: clientAddress(header) };
  const session = await signIn(attempt, password, header('user-agent') ?? '');
  describeRequest({ actor: { id: null, email } });
  return { status: 201, body: session };
});
