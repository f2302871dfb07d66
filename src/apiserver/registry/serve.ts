// Serves one authorised request for a resource: which verb it is, and what that does.
import { StatusError } from "#api/meta/status-error.ts";
import { DeleteOptions } from "#api/meta/delete-options.ts";
import { managerFromUserAgent } from "#schema/derive/managed-fields.ts";
import type { Kind, KubernetesObject, Verb } from "#schema/kind.ts";
import type { HttpResponse } from "#wire/http/message.ts";
import type { ParsedRequest } from "../request-info.ts";
import type { ApiRequest } from "../request.ts";
import type { View } from "../storage/record.ts";
import type { AdmissionChain } from "./admission.ts";
import { createObject } from "./create.ts";
import { checkWish, type Deleted, deleteObject, type DeleteWish } from "./delete.ts";
import { badRequest, methodNotAllowed, pathNotFound } from "./errors.ts";
import { invalid } from "./invalid.ts";
import type { KindRest } from "./kind-rest.ts";
import { cacheAt, listQuery, respondList, selectionOf } from "./list.ts";
import { type Form, negotiate, negotiateWithoutProtobuf } from "./negotiation.ts";
import { patchObject } from "./patch.ts";
import { readObject, readOptions } from "./read-body.ts";
import type { ApiRegistry } from "./registry.ts";
import { type Answer, type Call, type CustomSubresource, type Resource, verbsOf } from "./resource.ts";
import { respondObject, respondStatus, respondView, successStatus } from "./respond.ts";
import { serveScale } from "./scale.ts";
import { tableOf } from "./table.ts";
import { updateObject } from "./update.ts";
import { respondWatch } from "./watch.ts";
import type { AnyObject, WriteRequest } from "./write-request.ts";

export interface ServeNeeds {
  readonly registry: ApiRegistry;
  readonly admission: AdmissionChain;
}

export interface ServedRequest extends ApiRequest {
  readonly info: ParsedRequest;
}

export async function serveResource(needs: ServeNeeds, request: ServedRequest, resource: Resource): Promise<HttpResponse> {
  const { info } = request;
  if (resource.kind.deprecated !== undefined) request.warnings.push(resource.kind.deprecated);
  if (info.subresource !== "") return serveSubresource(needs, request, resource);
  const verb = info.verb as Verb;
  if (info.rest !== "" || !verbsOf(resource).includes(verb)) throw info.rest !== "" ? pathNotFound() : methodNotAllowed();
  checkScope(resource.kind, request);
  if (info.name === "" && (verb === "update" || verb === "patch")) throw methodNotAllowed();
  const rest = needs.registry.rest(resource);
  const form = formOf(request, resource.kind);
  switch (verb) {
    case "get":
      return getObject(rest, request, form);
    case "list":
      return respondList(rest, request, form);
    case "watch":
      return respondWatch(rest, request, form);
    case "create":
      return create(needs, rest, request, form);
    case "update":
      return update(needs, rest, request, form);
    case "patch":
      return patch(needs, rest, request, form);
    case "delete":
      return remove(needs, rest, request, form);
    case "deletecollection":
      return removeAll(needs, rest, request, form);
  }
}

function formOf({ http, query }: ApiRequest, kind?: Kind): Form {
  const said = query.get("pretty");
  const pretty = said !== null && said !== "false" && said !== "0";
  return kind?.openapiSchema ? negotiateWithoutProtobuf(http.headers.accept, pretty) : negotiate(http.headers.accept, pretty);
}

/** The path has a namespace where the kind has one, and none where it has none. */
function checkScope(kind: Kind, { info }: ApiRequest): void {
  if (kind.scope === "cluster") {
    // A namespace's own path tells its name twice; one namespace is never found by way of another.
    const own = kind.group === "" && kind.plural === "namespaces" && info.name === info.namespace;
    if (info.namespace !== "" && !own) throw pathNotFound();
    return;
  }
  const wholeCluster = info.verb === "list" || info.verb === "watch";
  if (info.namespace === "" && !wholeCluster) throw info.name === "" ? methodNotAllowed() : pathNotFound();
}

async function getObject(rest: KindRest, request: ApiRequest, form: Form): Promise<HttpResponse> {
  const { namespace, name } = placeOf(rest, request);
  const version = request.query.get("resourceVersion");
  if (version !== null && version !== "") await cacheAt(rest, listQuery(request.query).revision);
  const view = await rest.view(namespace, name);
  return respondOne(rest, request, view, form, 200);
}

function respondOne(rest: KindRest, request: ApiRequest, view: View, form: Form, status: number): HttpResponse {
  const { kind } = rest;
  if (form.as !== "table") return respondView(request.http, view, kind, form, status);
  const metadata = { resourceVersion: String(view.revision) };
  const table = tableOf(kind, [view], { form, query: request.query, now: rest.world.clock.now(), metadata, withColumns: true });
  return respondObject(request.http, table, undefined, form, status);
}

/** Objects outside namespaces are kept under their name alone, namespaces too. */
function placeOf({ kind }: KindRest, { info }: ApiRequest): { readonly namespace: string; readonly name: string } {
  return { namespace: kind.scope === "cluster" ? "" : info.namespace, name: info.name };
}

function writeOf({ admission }: ServeNeeds, resource: Resource, request: ApiRequest, subresource = ""): WriteRequest {
  const { user, query, http, warnings } = request;
  const dryRun = dryRunOf(query);
  const warn = (message: string): void => void warnings.push(message);
  const subject = { kind: resource.kind, resource: resource.kind.plural, subresource, user, dryRun, warn };
  return { user, dryRun, manager: managerOf(query, http.headers["user-agent"]), subresource, admission: admission.for(subject), warn };
}

function managerOf(query: URLSearchParams, userAgent: string | undefined): string {
  const named = query.get("fieldManager") ?? "";
  if (named === "") return managers.get(userAgent ?? "") ?? rememberedManager(userAgent ?? "");
  if (named.length > 128) {
    const detail = "may not be more than 128 bytes";
    throw invalid({ group: "meta.k8s.io", name: "PatchOptions" }, "", [{ type: "TooLong", field: "fieldManager", detail }]);
  }
  return named;
}

const managers = new Map<string, string>();
function rememberedManager(userAgent: string): string {
  const manager = managerFromUserAgent(userAgent);
  if (managers.size < 1_000 && userAgent.length < 1_000) managers.set(userAgent, manager);
  return manager;
}

function dryRunOf(query: URLSearchParams): boolean {
  const values = query.getAll("dryRun");
  for (const value of values) {
    if (value !== "All") {
      const detail = `supported values: "All"`;
      throw invalid({ group: "meta.k8s.io", name: "CreateOptions" }, "", [
        { type: "NotSupported", field: "dryRun", value: values, detail },
      ]);
    }
  }
  return values.length > 0;
}

async function create(needs: ServeNeeds, rest: KindRest, request: ServedRequest, form: Form): Promise<HttpResponse> {
  const { resource, kind } = rest;
  if (request.info.name !== "") throw methodNotAllowed();
  const object = await readObject(request, kind);
  if (resource.create) return respondAnswer(request, await resource.create(object, callOf(needs, request, resource)), form, "create", kind);
  const view = await createObject(rest, placeOf(rest, request).namespace, object, writeOf(needs, resource, request));
  return respondOne(rest, request, view, form, 201);
}

async function update(needs: ServeNeeds, rest: KindRest, request: ServedRequest, form: Form, subresource = ""): Promise<HttpResponse> {
  const { kind, resource } = rest;
  const { namespace, name } = placeOf(rest, request);
  const sent = await readObject(request, kind);
  checkName(sent, kind, namespace, name);
  const write = writeOf(needs, resource, request, subresource);
  let created = false;
  const absent = async (): Promise<View> => {
    await request.demandCreate();
    created = true;
    return createObject(rest, namespace, sent, write);
  };
  const allowed = kind.allowCreateOnUpdate === true && subresource === "" && !sent.metadata.resourceVersion;
  const change = { to: () => sent, ...(allowed && { absent }) };
  const view = await updateObject(rest, namespace, name, change, write);
  return respondOne(rest, request, view, form, created ? 201 : 200);
}

function checkName({ metadata }: KubernetesObject, kind: Kind, namespace: string, name: string): void {
  if ((metadata.name ?? "") === "") {
    throw badRequest("name must be provided");
  }
  if (metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  if (kind.scope === "namespaced" && metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
}

async function patch(needs: ServeNeeds, rest: KindRest, request: ServedRequest, form: Form, subresource = ""): Promise<HttpResponse> {
  const { view, created } = await patchObject(rest, withPlace(rest, request), writeOf(needs, rest.resource, request, subresource));
  return respondOne(rest, request, view, form, created ? 201 : 200);
}

/** A namespace's own path carries its name as namespace too; its object lies in none. */
function withPlace(rest: KindRest, request: ServedRequest): ServedRequest {
  return rest.kind.scope === "cluster" && request.info.namespace !== ""
    ? { ...request, info: { ...request.info, namespace: "" } }
    : request;
}

async function remove(needs: ServeNeeds, rest: KindRest, request: ServedRequest, form: Form): Promise<HttpResponse> {
  const { namespace, name } = placeOf(rest, request);
  const { wish, dryRun } = await wishOf(request);
  const write = writeOf(needs, rest.resource, request);
  const deleted = await deleteObject(rest, namespace, name, wish, dryRun ? { ...write, dryRun } : write);
  return respondDeleted(rest, request, deleted, wish, form);
}

function respondDeleted(rest: KindRest, request: ServedRequest, { gone, view }: Deleted, wish: DeleteWish, form: Form): HttpResponse {
  const status = !gone && wish.orphanDependents === false ? 202 : 200;
  if (gone && !rest.resource.returnsDeleted) return respondStatus(request.http, successStatus(rest.kind, view.object), status, form);
  return respondOne(rest, request, view, form, status);
}

async function wishOf({ http, query }: ApiRequest): Promise<{ readonly wish: DeleteWish; readonly dryRun: boolean }> {
  const body = await readOptions(http, DeleteOptions);
  const grace = query.get("gracePeriodSeconds");
  if (grace !== null && !/^-?[0-9]{1,15}$/.test(grace))
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(grace.slice(0, 64))}: invalid syntax`);
  const orphan = query.get("orphanDependents");
  const wish: DeleteWish = {
    gracePeriodSeconds:
      body?.gracePeriodSeconds !== undefined ? Number(body.gracePeriodSeconds) : grace !== null ? Number(grace) : undefined,
    propagationPolicy: body?.propagationPolicy || query.get("propagationPolicy") || undefined,
    orphanDependents: body?.orphanDependents ?? (orphan === null ? undefined : orphan === "true"),
    preconditions: body?.preconditions,
  };
  checkWish(wish);
  return { wish, dryRun: (body?.dryRun?.length ?? 0) > 0 || dryRunOf(query) };
}

const deletionsAtOnce = 16;

async function removeAll(needs: ServeNeeds, rest: KindRest, request: ServedRequest, form: Form): Promise<HttpResponse> {
  const { kind } = rest;
  const { wish, dryRun } = await wishOf(request);
  const { matches } = selectionOf(rest, request);
  await cacheAt(rest, undefined);
  const records = rest.storage.cache
    .list(placeOf(rest, request).namespace)
    .slots.map(({ record }) => record)
    .filter((record) => !matches || matches(record));
  const write = writeOf(needs, rest.resource, request);
  const deleted: KubernetesObject[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let record = records[next++]; record; record = records[next++]) {
      const { metadata } = record.object;
      try {
        const { view } = await deleteObject(rest, metadata.namespace ?? "", metadata.name, wish, dryRun ? { ...write, dryRun } : write);
        deleted.push(view.object);
      } catch (error) {
        if (!(error instanceof StatusError && error.reason === "NotFound")) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(deletionsAtOnce, records.length) }, work));
  const metadata = { resourceVersion: String(rest.storage.cache.revision) };
  const list = { kind: kind.listName, apiVersion: kind.apiVersion, metadata, items: deleted };
  return respondObject(request.http, list, undefined, form.media === "protobuf" || form.as !== "object" ? negotiate("") : form);
}

async function serveSubresource(needs: ServeNeeds, request: ServedRequest, resource: Resource): Promise<HttpResponse> {
  const { info } = request;
  const { kind } = resource;
  if (info.name === "") throw pathNotFound();
  checkScope(kind, request);
  const own = Object.hasOwn(resource.subresources, info.subresource) ? resource.subresources[info.subresource] : undefined;
  if (own?.type === "custom") return serveCustom(needs, request, resource, own);
  if (info.rest !== "") throw pathNotFound();
  const rest = needs.registry.rest(resource);
  const form = formOf(request, kind);
  if (!own && info.subresource === "scale" && kind.subresources?.scale) {
    return serveScale(rest, request, form, kind.subresources.scale, writeOf(needs, resource, request, "scale"));
  }
  if (!own && !(info.subresource === "status" && kind.subresources?.status)) throw pathNotFound();
  const verbs: readonly string[] = own?.verbs ?? ["get", "update", "patch"];
  if (!verbs.includes(info.verb)) throw methodNotAllowed();
  if (info.verb === "get") return getObject(rest, request, form);
  if (info.verb === "update") return update(needs, rest, request, form, info.subresource);
  return patch(needs, rest, request, form, info.subresource);
}

async function serveCustom(needs: ServeNeeds, request: ServedRequest, resource: Resource, own: CustomSubresource): Promise<HttpResponse> {
  const { info } = request;
  if (!own.anyMethod && (info.rest !== "" || !(own.verbs as readonly string[]).includes(info.verb))) {
    throw info.rest !== "" ? pathNotFound() : methodNotAllowed();
  }
  const answer = await own.handle(callOf(needs, request, resource));
  if ("response" in answer) return answer.response;
  return respondAnswer(request, answer, formOf(request), info.verb, undefined);
}

function callOf(needs: ServeNeeds, request: ServedRequest, resource: Resource): Call {
  const { registry, admission } = needs;
  const { user, query, warnings, info } = request;
  const dryRun = dryRunOf(query);
  return {
    request,
    resource,
    registry,
    world: registry.world,
    rest: info.rest,
    dryRun,
    read: (kind) => readObject(request, kind),
    async admit<R extends KubernetesObject>(
      operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT",
      object: R | undefined,
      old?: KubernetesObject,
    ) {
      const warn = (message: string): void => void warnings.push(message);
      const chain = admission.for({
        kind: resource.kind,
        resource: resource.kind.plural,
        subresource: info.subresource,
        user,
        dryRun,
        warn,
      });
      const target = { namespace: info.namespace, name: info.name, object: object as AnyObject | undefined, old };
      const admitted = await chain.mutate(operation, target);
      await chain.validate(operation, { ...target, object: admitted });
      return admitted as R | undefined;
    },
  };
}

function respondAnswer(request: ApiRequest, answer: Answer, form: Form, verb: string, kind: Kind | undefined): HttpResponse {
  if ("response" in answer) return answer.response;
  const status = answer.status ?? (verb === "create" ? 201 : 200);
  const shown = form.as === "object" ? form : negotiate("");
  return respondObject(request.http, answer.object, answer.kind ?? kind, shown, status);
}
