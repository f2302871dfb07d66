// Objects that cannot be: 422 with every cause, in upstream's words.
import { StatusError } from "#api/meta/status-error.ts";
import { fieldErrorBody, fieldErrorsText } from "#schema/derive/validation.ts";
import type { FieldError, Kind } from "#schema/kind.ts";

/** `Deployment.apps "x" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0` */
export function invalid({ group, name: kindName }: Pick<Kind, "group" | "name">, name: string, errors: readonly FieldError[]): StatusError {
  const what = `${group === "" ? kindName : `${kindName}.${group}`} ${JSON.stringify(name)} is invalid`;
  const message = `${what}: ${fieldErrorsText(errors)}`;
  return new StatusError("Invalid", message, {
    ...(name !== "" && { name }),
    ...(group !== "" && { group }),
    kind: kindName,
    causes: errors.map((error) => ({ reason: reasons[error.type], message: fieldErrorBody(error), field: error.field })),
  });
}

const reasons: Readonly<Record<FieldError["type"], string>> = {
  Required: "FieldValueRequired",
  Invalid: "FieldValueInvalid",
  NotSupported: "FieldValueNotSupported",
  Forbidden: "FieldValueForbidden",
  Duplicate: "FieldValueDuplicate",
  TooLong: "FieldValueTooLong",
  TooMany: "FieldValueTooMany",
  TypeInvalid: "FieldValueTypeInvalid",
  NotFound: "FieldValueNotFound",
  InternalError: "InternalError",
};
