// What is special about the kinds that come with the server.
import { Binding } from "#api/core/binding/binding.ts";
import { Event } from "#api/core/event/event.ts";
import { ServiceAccount } from "#api/core/service-account/service-account.ts";
import { Event as EventsEvent } from "#api/events.k8s.io/event/event.ts";
import { namespacePart } from "./namespace/namespace-part.ts";
import { bind } from "./pod/binding.ts";
import { podPart } from "./pod/pod-part.ts";
import { resourcePart, type ResourcePart } from "./resource.ts";
import { defaultServiceRanges, type ServiceRanges } from "./service/ranges.ts";
import { servicePart } from "./service/service-part.ts";
import { storageParts } from "./storage/storage-parts.ts";

/** Events are forgotten after an hour. */
const eventSeconds = 3_600;

export function builtInParts({ services }: { readonly services: ServiceRanges | undefined }): readonly ResourcePart[] {
  return [
    namespacePart,
    podPart,
    resourcePart<Binding>({ kind: Binding, create: (binding, call) => bind(call, binding) }),
    servicePart(services ?? defaultServiceRanges),
    ...storageParts,
    resourcePart({ kind: ServiceAccount, returnsDeleted: true }),
    resourcePart({ kind: Event, timeToLiveSeconds: eventSeconds }),
    resourcePart({ kind: EventsEvent, timeToLiveSeconds: eventSeconds }),
  ];
}
