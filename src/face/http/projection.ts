import { z } from "zod";

/** Copies the fields of a shape from a value; other fields are never sent. */
type Projection = (value: unknown) => unknown;

const whole: Projection = (value) => value;

/**
 * Compiles a shape into a function that copies the fields of the shape from an answer. The compiler checks handlers
 * against the shape, so answers are not checked again, and are written with one JSON.stringify.
 */
export function projectionOf(shape: z.core.$ZodType): Projection {
  if (
    shape instanceof z.ZodOptional ||
    shape instanceof z.ZodNullable ||
    shape instanceof z.ZodReadonly ||
    shape instanceof z.ZodDefault
  )
    return projectionOf(shape.def.innerType);
  if (shape instanceof z.ZodArray) return ofArray(projectionOf(shape.element));
  if (shape instanceof z.ZodObject) return ofObject(shape);
  if (shape instanceof z.ZodDiscriminatedUnion || shape instanceof z.ZodUnion) return ofUnion(shape);
  return whole;
}

function ofArray(item: Projection): Projection {
  return item === whole ? whole : (value) => (Array.isArray(value) ? value.map(item) : value);
}

function ofObject(shape: z.ZodObject): Projection {
  const fields = Object.entries(shape.shape).map(([name, field]) => [name, projectionOf(field)] as const);
  const open = shape.def.catchall !== undefined && !(shape.def.catchall instanceof z.ZodNever);
  if (open && fields.every(([, field]) => field === whole)) return whole;
  return (value) => {
    if (!isRecord(value)) return value;
    const taken: Record<string, unknown> = open ? { ...value } : {};
    for (const [name, field] of fields) {
      const inner = value[name];
      if (inner !== undefined) taken[name] = field === whole ? inner : field(inner);
    }
    return taken;
  };
}

/** The first shape of several that a value has. */
function ofUnion(shape: z.ZodUnion | z.ZodDiscriminatedUnion): Projection {
  const options = shape.options.map((option) => ({ option, project: projectionOf(option) }));
  if (options.every(({ project }) => project === whole)) return whole;
  return (value) => {
    if (!isRecord(value)) return value;
    const fitting = options.find(({ option }) => z.core.safeParse(option, value).success);
    return fitting === undefined ? undefined : fitting.project(value);
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
