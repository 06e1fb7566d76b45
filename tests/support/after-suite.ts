/** Jest loads this module before each suite of the stack. Its hook runs before those of the suite itself. */
import { afterAll } from '@jest/globals';
import { cancelRemainingExports } from './remaining-exports.ts';

afterAll(cancelRemainingExports);
