// The messages of etcd's v3 API that are used, with the fields that are used.
import { bool, int32, int64, list, octets, one, string } from "#schema/field.ts";
import { protocol } from "#schema/message.ts";

const optional = { optional: true } as const;

export const ResponseHeader = protocol("ResponseHeader", { memberId: int64(2), revision: int64(3) });

export const KeyValueMessage = protocol("KeyValue", {
  key: octets(1),
  createRevision: int64(2),
  modRevision: int64(3),
  version: int64(4),
  value: octets(5),
  lease: int64(6),
});

export const RangeRequest = protocol("RangeRequest", {
  key: octets(1),
  rangeEnd: octets(2),
  limit: int64(3),
  revision: int64(4),
  serializable: bool(7),
  keysOnly: bool(8),
  countOnly: bool(9),
});
export const RangeResponse = protocol("RangeResponse", {
  header: one(1, () => ResponseHeader, optional),
  items: list(2, () => KeyValueMessage),
  more: bool(3),
  count: int64(4),
});

export const PutRequest = protocol("PutRequest", { key: octets(1), value: octets(2), lease: int64(3) });
export const PutResponse = protocol("PutResponse", { header: one(1, () => ResponseHeader, optional) });
export const DeleteRangeRequest = protocol("DeleteRangeRequest", { key: octets(1) });

/** One of them is set. */
export const RequestOp = protocol("RequestOp", {
  range: one(1, () => RangeRequest, optional),
  put: one(2, () => PutRequest, optional),
  deleteRange: one(3, () => DeleteRangeRequest, optional),
});
export const ResponseOp = protocol("ResponseOp", { range: one(1, () => RangeResponse, optional) });

/** Equality of what `target` says: 0 a key's version, 2 the revision of its last change. */
export const Compare = protocol("Compare", {
  result: int32(1),
  target: int32(2),
  key: octets(3),
  version: int64(4, optional),
  modRevision: int64(6, optional),
});
export const TxnRequest = protocol("TxnRequest", {
  compare: list(1, () => Compare),
  success: list(2, () => RequestOp),
  failure: list(3, () => RequestOp),
});
export const TxnResponse = protocol("TxnResponse", {
  header: one(1, () => ResponseHeader, optional),
  succeeded: bool(2),
  responses: list(3, () => ResponseOp),
});

export const CompactionRequest = protocol("CompactionRequest", { revision: int64(1), physical: bool(2) });
export const CompactionResponse = protocol("CompactionResponse", {});

export const LeaseGrantRequest = protocol("LeaseGrantRequest", { timeToLiveSeconds: int64(1) });
export const LeaseGrantResponse = protocol("LeaseGrantResponse", { id: int64(2), timeToLiveSeconds: int64(3), error: string(4) });

export const StatusRequest = protocol("StatusRequest", {});
export const StatusResponse = protocol("StatusResponse", { version: string(2), dbSize: int64(3), leader: int64(4) });

export const WatchCreateRequest = protocol("WatchCreateRequest", {
  key: octets(1),
  rangeEnd: octets(2),
  startRevision: int64(3),
  progressNotify: bool(4),
  previous: bool(6),
});
export const WatchRequest = protocol("WatchRequest", { create: one(1, () => WatchCreateRequest, optional) });

/** `type` 0 is a put, 1 a deletion. */
export const EventMessage = protocol("Event", {
  type: int32(1),
  current: one(2, () => KeyValueMessage, optional),
  previous: one(3, () => KeyValueMessage, optional),
});
export const WatchResponse = protocol("WatchResponse", {
  header: one(1, () => ResponseHeader, optional),
  created: bool(3),
  canceled: bool(4),
  compactRevision: int64(5),
  cancelReason: string(6),
  events: list(11, () => EventMessage),
});
