import {
  compile,
  isRegistered,
  type JSONObject,
  type JSONValue,
  TreeInterpreter,
} from '@jmespath-community/jmespath';
import { shortened } from '../../contracts/sizes.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { replaceFunctions } from './functions.ts';
import { limits } from './limits.ts';

/**
 * Expressions are JMESPath with the additions of JMESPath Community. The language has no loops, no recursion, no clock and
 * no chance: an expression ends, and gives the same for the same record in every function that decodes it.
 */
replaceFunctions();

/** What `$` is in an expression. `@` and bare names are those of `item`. */
export interface Root extends JSONObject {
  /** What the expression is evaluated for: an item of `each`, or the document. */
  item: JSONValue;
  /** The JSON value of the record, or of one of its lines. */
  document: JSONValue;
  headers: JSONObject;
  key: string | null;
  topic: string;
}

const rootFields: readonly string[] = ['item', 'document', 'headers', 'key', 'topic'];

type Node = ReturnType<typeof compile>;

export interface Expression {
  text: string;
  node: Node;
}

/** Compiles an expression. Throws an error that says what is wrong with it. */
export function compileExpression(text: string): Expression {
  if (text.length > limits.expressionCharacters)
    throw new Error(`must have at most ${limits.expressionCharacters} characters`);
  let node: Node;
  try {
    node = compile(text);
  } catch (error) {
    const message = errorMessage(error);
    const fault = message.includes('EOF') ? 'it ends too early' : message;
    throw new Error(`is not a JMESPath expression: ${fault}`, { cause: error });
  }
  checkNames(node);
  return { text, node: { type: 'Pipe', left: { type: 'Field', name: 'item' }, right: node } };
}

/** Throws if a function or a variable is unknown: the interpreter would notice that with the first record. */
function checkNames(root: Node): void {
  const bound = new Set<string>();
  const used = new Set<string>();
  visit(root);
  const unbound = [...used].find((name) => !bound.has(name));
  if (unbound !== undefined) throw new Error(`has the unknown variable $${unbound}`);

  function visit(node: unknown): void {
    if (typeof node !== 'object' || node === null) return;
    if (!('type' in node)) return Object.values(node).forEach(visit);
    if (node.type === 'Literal') return;
    const name = 'name' in node ? String(node.name) : '';
    if (node.type === 'Function' && !isRegistered(name))
      throw new Error(`has the unknown function ${name}()`);
    if (node.type === 'Variable') used.add(name);
    if (node.type === 'Binding' && 'variable' in node) bound.add(String(node.variable));
    if (node.type === 'Subexpression' && 'left' in node && 'right' in node) checkRootField(node);
    Object.values(node).forEach(visit);
  }
}

function checkRootField({ left, right }: { left: unknown; right: unknown }): void {
  const isRoot =
    typeof left === 'object' && left !== null && 'type' in left && left.type === 'Root';
  if (!isRoot || typeof right !== 'object' || right === null) return;
  if (!('type' in right && right.type === 'Field' && 'name' in right)) return;
  const name = String(right.name);
  if (!rootFields.includes(name))
    throw new Error(`has $.${name}, but $ has only ${rootFields.join(', ')}`);
}

/** Returns what the expression gives, null if that is nothing. Throws an error that names what has the wrong type. */
export function evaluate({ node, text }: Expression, root: Root): JSONValue {
  try {
    const result = TreeInterpreter.search(node, root);
    // Names of methods, as `toString`, are found in every object.
    return typeof result === 'function' ? null : (result ?? null);
  } catch (error) {
    throw new Error(`${shortened(text, 100)}: ${errorMessage(error)}`, { cause: error });
  }
}
