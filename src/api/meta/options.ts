// What requests may say besides their body: query parameters, or a message where a client sends one.
import { bool, int64, list, string } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";

const typed = { apiVersion: string(0), kind: string(0) };

export const CreateOptions = message(
  "CreateOptions",
  {
    ...typed,
    dryRun: list(1, "string", { list: "atomic", doc: "All: everything is done but the storing." }),
    fieldManager: string(3, { doc: "Who manages the fields that are set." }),
    fieldValidation: string(4, { doc: "What happens about unknown and duplicate fields: Ignore, Warn or Strict." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.CreateOptions" },
);
export interface CreateOptions extends Infer<typeof CreateOptions> {}

export const UpdateOptions = message(
  "UpdateOptions",
  {
    ...typed,
    dryRun: list(1, "string", { list: "atomic", doc: "All: everything is done but the storing." }),
    fieldManager: string(2, { doc: "Who manages the fields that are set." }),
    fieldValidation: string(3, { doc: "What happens about unknown and duplicate fields: Ignore, Warn or Strict." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.UpdateOptions" },
);
export interface UpdateOptions extends Infer<typeof UpdateOptions> {}

export const PatchOptions = message(
  "PatchOptions",
  {
    ...typed,
    dryRun: list(1, "string", { list: "atomic", doc: "All: everything is done but the storing." }),
    force: bool(2, { optional: true, doc: "Whether an apply takes over fields that others manage." }),
    fieldManager: string(3, { doc: "Who manages the fields that are set; an apply must say." }),
    fieldValidation: string(4, { doc: "What happens about unknown and duplicate fields: Ignore, Warn or Strict." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.PatchOptions" },
);
export interface PatchOptions extends Infer<typeof PatchOptions> {}

export const GetOptions = message(
  "GetOptions",
  {
    ...typed,
    resourceVersion: string(1, { doc: "How old the answer may be." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.GetOptions" },
);
export interface GetOptions extends Infer<typeof GetOptions> {}

export const ListOptions = message(
  "ListOptions",
  {
    ...typed,
    labelSelector: string(1, { doc: "Only objects with such labels." }),
    fieldSelector: string(2, { doc: "Only objects with such fields." }),
    watch: bool(3, { doc: "Whether changes follow as they happen." }),
    resourceVersion: string(4, { doc: "How old the answer may be, or where a watch begins." }),
    timeoutSeconds: int64(5, { optional: true, doc: "After how long the server ends the request." }),
    limit: int64(7, { doc: "At most so many objects; the answer says how to continue." }),
    continue: string(8, { doc: "Where the last answer with a limit left off." }),
    allowWatchBookmarks: bool(9, { doc: "Whether a watch may say how far it is without a change." }),
    resourceVersionMatch: string(10, { doc: "Whether resourceVersion means exactly that version or at least that." }),
    sendInitialEvents: bool(11, { optional: true, doc: "Whether a watch begins with what is there, and a bookmark after it." }),
    shardSelector: string(15, { doc: "Only a part of all objects, by a hash." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.ListOptions" },
);
export interface ListOptions extends Infer<typeof ListOptions> {}
