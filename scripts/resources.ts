import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../src/app/version.ts";
import type { Operation } from "../src/face/api/kit/operation.ts";

/** A list that is made from the files of a folder: its path in the repository and its text. */
export interface DerivedList {
  readonly path: string;
  readonly text: string;
}

/** What a file declares for the API: operations (`src/face/api`) or handlers (`src/face/http/routes`). */
interface Declared {
  /** Name of the file without `.ts`. */
  readonly file: string;
  /** Name of its export that ends with `Operations` or `Routes`. */
  readonly name: string;
  readonly value: unknown;
}

/** A resource of /v1 and its operations by name. */
interface Resource {
  readonly file: string;
  /** Its name in the client: `keySets` for `key-sets.ts`. */
  readonly resource: string;
  /** Export that declares the operations. */
  readonly name: string;
  readonly operations: Readonly<Record<string, Operation>>;
}

type Module = Readonly<Record<string, unknown>>;

/** A folder whose files declare parts of the API. */
interface Folder {
  readonly path: string;
  /** What the exports that count are called. */
  readonly suffix: string;
  readonly declaration: RegExp;
  load(file: string): Promise<Module>;
}

const operationsFolder: Folder = {
  path: "src/face/api",
  suffix: "Operations",
  declaration: /^export const \w+Operations\b/m,
  load: (file) => import(`../src/face/api/${file}.ts`),
};
const handlersFolder: Folder = {
  path: "src/face/http/routes",
  suffix: "Routes",
  declaration: /^export async function \w+Routes\b/m,
  load: (file) => import(`../src/face/http/routes/${file}.ts`),
};
const made = "// Made by `npx tsx scripts/resources.ts`; do not edit.";

/** What the files of a folder declare, in the order of the files. */
async function declaredIn({ path, suffix, declaration, load }: Folder): Promise<Declared[]> {
  const found: Declared[] = [];
  for (const name of readdirSync(join(packageRoot, path)).sort()) {
    if (!name.endsWith(".ts") || !declaration.test(readFileSync(join(packageRoot, path, name), "utf8"))) continue;
    const file = name.replace(/\.ts$/, "");
    for (const [exported, value] of Object.entries(await load(file)))
      if (exported.endsWith(suffix)) found.push({ file, name: exported, value });
  }
  return found;
}

/** The resources of /v1, one for each file of `src/face/api` that exports `…Operations`. */
export async function apiResources(): Promise<Resource[]> {
  const declared = await declaredIn(operationsFolder);
  return declared.map(({ file, name, value }) => ({
    file,
    name,
    resource: file.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase()),
    operations: operationsOf(value, name),
  }));
}

/** Operations of a declaration. @throws if something else is exported under such a name */
function operationsOf(value: unknown, name: string): Record<string, Operation> {
  const isOperation = (one: unknown): one is Operation =>
    typeof one === "object" && one !== null && "route" in one && "operationId" in one;
  const entries = Object.entries(value ?? {});
  if (entries.length === 0 || !entries.every(([, one]) => isOperation(one)))
    throw new Error(`${name} must be a record of operations`);
  return Object.fromEntries(entries);
}

/** The lists of resources and of handlers. */
export async function derivedLists(): Promise<DerivedList[]> {
  return [
    { path: `${operationsFolder.path}/contract.ts`, text: contractText(await apiResources()) },
    { path: `${handlersFolder.path}/all.ts`, text: routesText(await declaredIn(handlersFolder)) },
  ];
}

function contractText(resources: readonly Resource[]): string {
  const imports = [
    ...resources.map(({ file, name }) => `import type { ${name} } from "./${file}.ts";`),
    'import type { Operation } from "./kit/operation.ts";',
  ].sort(byModule);
  return `${made}
${imports.join("\n")}

/** The resources of /v1 and their operations. */
export interface Contract {
${resources.map(({ resource, name }) => `  readonly ${resource}: typeof ${name};`).join("\n")}
}

type RoutesOf<Operations> = {
  readonly [Name in keyof Operations]: Operations[Name] extends Operation ? Operations[Name]["route"] : never;
};

/**
 * The routes of the contract for clients, which must not load the schema library; the compiler compares each with the
 * operation that declares it.
 */
export const routes: { readonly [Resource in keyof Contract]: RoutesOf<Contract[Resource]> } = {
${resources.map(routesOfResource).join("\n")}
};
`;
}

function routesOfResource({ resource, operations }: Resource): string {
  const lines = Object.entries(operations).map(([name, { route }]) => `    ${name}: ${JSON.stringify(route)},`);
  return `  ${resource}: {\n${lines.join("\n")}\n  },`;
}

function routesText(handlers: readonly Declared[]): string {
  const imports = [
    'import type { RoutePlugin } from "../route-plugin.ts";',
    ...handlers.map(({ file, name }) => `import { ${name} } from "./${file}.ts";`),
  ];
  return `${made}
${imports.join("\n")}

/** The handlers of all resources. */
export const allRoutes: readonly RoutePlugin[] = [
${handlers.map(({ name }) => `  ${name},`).join("\n")}
];
`;
}

/** Order of imports: by the path that they import. */
function byModule(a: string, b: string): number {
  const [, from = ""] = a.split(" from ");
  const [, to = ""] = b.split(" from ");
  return from < to ? -1 : 1;
}

/** A list as it is on disk; empty when there is none. */
export function listOnDisk({ path }: DerivedList): string {
  return readFileSync(join(packageRoot, path), { encoding: "utf8", flag: "a+" });
}

if (process.argv[1]?.endsWith("resources.ts")) {
  for (const list of await derivedLists())
    if (listOnDisk(list) !== list.text) writeFileSync(join(packageRoot, list.path), list.text);
}
