// What is known of a request once it was taken apart and its user is known; what every stage behind reads.
import type { Kind } from "#schema/kind.ts";
import type { HttpRequest } from "#wire/http/message.ts";

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** The request as authorisation sees it. Verbs are the API's ("list", not "GET"); `path` counts where `resource` is "". */
export interface RequestInfo {
  readonly verb: string;
  readonly isResourceRequest: boolean;
  readonly path: string;
  readonly group: string;
  readonly version: string;
  /** Plural; "" for paths outside the resource tree. */
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ApiRequest {
  readonly http: HttpRequest;
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  readonly user: User;
  /** The kind named by the path, for resource requests. */
  readonly kind?: Kind;
  /** Rejects with Forbidden unless the user may create what the request is about: updates and applies that make what is missing. */
  readonly demandCreate: () => Promise<void>;
  /** Warnings gathered on the way, sent as Warning headers. */
  readonly warnings: string[];
}
