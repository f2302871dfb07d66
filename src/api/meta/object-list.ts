// The list of a kind: its metadata, and the objects.
import { list, one, string } from "#schema/field.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import { message, type Type } from "#schema/message.ts";
import { ListMeta } from "./list-meta.ts";

export interface ObjectList<T extends KubernetesObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ListMeta;
  readonly items: readonly T[];
}

/** The message of a kind's lists; as they name the kind once for all items, items may lack their own. */
export function listMessage<T extends KubernetesObject>(kind: Kind<T>): Type<ObjectList<T>> {
  const fields = {
    apiVersion: string(0),
    kind: string(0),
    metadata: one(1, (): Type<ListMeta> => ListMeta, { doc: "The list's metadata." }),
    items: list(2, (): Type<T> => kind.message, { always: true, doc: "The objects." }),
  };
  const openapi = kind.message.options.openapi;
  return message(kind.listName, fields, openapi === undefined ? {} : { openapi: `${openapi}List` }) as unknown as Type<ObjectList<T>>;
}
