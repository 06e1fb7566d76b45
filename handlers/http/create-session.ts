import { signIn } from '../../lib/access/sessions.ts';
import { credentialsSchema } from '../../lib/contracts/sessions.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { clientAddress } from '../../lib/runtime/door.ts';
import { anonymous, http } from '../../lib/runtime/http.ts';

/** POST /sessions */
export const handler = http(anonymous, async ({ body, header }) => {
  const { email, password } = body(credentialsSchema, sizes.signInBytes);
  return { status: 201, body: await signIn({ email, address: clientAddress(header) }, password) };
});
