import ts from 'typescript';
import type { Edit } from './edit.ts';
import { sqlEdits } from './sql-edits.ts';

const swapped: Partial<Record<ts.SyntaxKind, string>> = {
  [ts.SyntaxKind.AmpersandAmpersandToken]: '||',
  [ts.SyntaxKind.BarBarToken]: '&&',
  [ts.SyntaxKind.EqualsEqualsEqualsToken]: '!==',
  [ts.SyntaxKind.ExclamationEqualsEqualsToken]: '===',
  [ts.SyntaxKind.LessThanToken]: '<=',
  [ts.SyntaxKind.LessThanEqualsToken]: '<',
  [ts.SyntaxKind.GreaterThanToken]: '>=',
  [ts.SyntaxKind.GreaterThanEqualsToken]: '>',
  [ts.SyntaxKind.MinusToken]: '+',
  [ts.SyntaxKind.AsteriskToken]: '/',
  [ts.SyntaxKind.SlashToken]: '*',
};

const opposite = new Map([
  ['min', 'max'],
  ['max', 'min'],
  ['every', 'some'],
  ['some', 'every'],
]);

/** Calls that only log. They are not changed: a missing log line breaks no behaviour. */
const onlyLogs = /^(await |void )*(logger|console|this\.#log)\./;

/** Returns every change that the operators know for a file, in the order of the file. */
export function editsOf(fileName: string, text: string): Edit[] {
  const source = ts.createSourceFile(fileName, text, ts.ScriptTarget.Latest, true);
  const edits: Edit[] = [];
  const add = (operator: string, node: ts.Node, replacement: string): void => {
    edits.push({ start: node.getStart(source), end: node.getEnd(), text: replacement, operator });
  };
  const visit = (node: ts.Node): void => {
    // Types have no effect at run time.
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isImportDeclaration(node))
      return;
    if (ts.isExpressionStatement(node) && onlyLogs.test(node.getText(source))) return;
    for (const { operator, target, replacement } of changesOf(node, source))
      add(operator, target, replacement);
    if (ts.isStringLiteral(node) || ts.isTemplateLiteral(node))
      edits.push(...sqlEdits(text, node.getStart(source), node.getEnd()));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return edits.toSorted((a, b) => a.start - b.start || a.end - b.end);
}

interface Change {
  operator: string;
  target: ts.Node;
  replacement: string;
}

function changesOf(node: ts.Node, source: ts.SourceFile): Change[] {
  if (ts.isBinaryExpression(node)) return ofBinary(node, source);
  if (ts.isIfStatement(node) || ts.isWhileStatement(node))
    return [negated(node.expression, source)];
  if (ts.isConditionalExpression(node)) return [negated(node.condition, source)];
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
    // The negation of the condition is a change already.
    return ts.isIfStatement(node.parent) || ts.isConditionalExpression(node.parent)
      ? []
      : [{ operator: 'not dropped', target: node, replacement: node.operand.getText(source) }];
  if (ts.isThrowStatement(node))
    return [{ operator: 'throw dropped', target: node, replacement: ';' }];
  if (ts.isExpressionStatement(node)) return ofStatement(node);
  if (ts.isNumericLiteral(node)) return ofNumber(node);
  if (node.kind === ts.SyntaxKind.TrueKeyword)
    return [{ operator: 'boolean flipped', target: node, replacement: 'false' }];
  if (node.kind === ts.SyntaxKind.FalseKeyword)
    return [{ operator: 'boolean flipped', target: node, replacement: 'true' }];
  if (ts.isPropertyAccessExpression(node)) {
    const other = opposite.get(node.name.text);
    return other === undefined
      ? []
      : [{ operator: 'call swapped', target: node.name, replacement: other }];
  }
  return ts.isFunctionLike(node) ? ofFunction(node, source) : [];
}

const negated = (condition: ts.Expression, source: ts.SourceFile): Change => ({
  operator: 'condition negated',
  target: condition,
  replacement: `!(${condition.getText(source)})`,
});

function ofBinary(node: ts.BinaryExpression, source: ts.SourceFile): Change[] {
  const other = swapped[node.operatorToken.kind];
  if (other !== undefined)
    return [{ operator: 'operator swapped', target: node.operatorToken, replacement: other }];
  if (node.operatorToken.kind !== ts.SyntaxKind.QuestionQuestionToken) return [];
  return [
    { operator: 'default dropped', target: node, replacement: `(${node.left.getText(source)})` },
  ];
}

/** Returns the change that drops a statement: a call, or an assignment. */
function ofStatement(node: ts.ExpressionStatement): Change[] {
  let { expression } = node;
  while (ts.isAwaitExpression(expression) || ts.isVoidExpression(expression))
    ({ expression } = expression);
  if (ts.isCallExpression(expression) && expression.expression.kind !== ts.SyntaxKind.SuperKeyword)
    return [{ operator: 'call dropped', target: node, replacement: ';' }];
  const assigns =
    ts.isBinaryExpression(expression) &&
    expression.operatorToken.kind >= ts.SyntaxKind.FirstAssignment &&
    expression.operatorToken.kind <= ts.SyntaxKind.LastAssignment;
  return assigns ? [{ operator: 'assignment dropped', target: node, replacement: ';' }] : [];
}

/** Returns the number times ten, or 0 for 1 and 1 for 0. A change by one is too small to cross most time limits. */
function ofNumber(node: ts.NumericLiteral): Change[] {
  const value = Number(node.text);
  const replacement = value === 0 ? '1' : value === 1 ? '0' : String(value * 10);
  return [{ operator: 'number changed', target: node, replacement }];
}

/** Returns the change that empties the body of a function without a result. */
function ofFunction(node: ts.SignatureDeclaration, source: ts.SourceFile): Change[] {
  if (!('body' in node) || !node.body || !ts.isBlock(node.body)) return [];
  if (!/^(void|Promise<void>)$/.test(node.type?.getText(source) ?? '')) return [];
  return node.body.statements.length === 0
    ? []
    : [{ operator: 'body emptied', target: node.body, replacement: '{}' }];
}
